"""The papers' own experiments, each one command: `STUDIES` is the whole list."""

from collections.abc import Mapping

from impasto.studies import gatys, unpaired
from impasto.studies.gatys import Study
from impasto.studies.unpaired import TrainingStudy

STUDIES: Mapping[str, Study | TrainingStudy] = {**gatys.STUDIES, **unpaired.STUDIES}

__all__ = ["STUDIES", "Study", "TrainingStudy"]
