"""The papers' own experiments, each one command: `STUDIES` is the whole list."""

from collections.abc import Mapping

from impasto.studies import gatys, semantic, unpaired
from impasto.studies.runner import run
from impasto.studies.setup import Pictures, StudySettings, Variant
from impasto.studies.study import Study, Training, TrainingStudy

STUDIES: Mapping[str, Study | TrainingStudy] = {**gatys.STUDIES, **unpaired.STUDIES, **semantic.STUDIES}

__all__ = ["STUDIES", "Pictures", "Study", "StudySettings", "Training", "TrainingStudy", "Variant", "run"]
