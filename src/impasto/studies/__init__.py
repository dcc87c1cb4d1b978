"""The papers' own experiments, each one command: `STUDIES` is the whole list."""

from impasto.studies.gatys import STUDIES
from impasto.studies.runner import Pictures, Settings, run
from impasto.studies.study import Study, Variant

__all__ = ["STUDIES", "Pictures", "Settings", "Study", "Variant", "run"]
