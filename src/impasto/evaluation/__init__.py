"""Numbers about pictures that were made, each with the protocol that it was measured by."""

from impasto.evaluation.folders import Folders, evaluate_folders
from impasto.evaluation.judges import NETWORKS, JudgeFiles, Judges
from impasto.evaluation.number import Number
from impasto.evaluation.picture_set import PictureSet, picture_set
from impasto.evaluation.runs import Test, evaluate_runs

__all__ = [
    "NETWORKS",
    "Folders",
    "JudgeFiles",
    "Judges",
    "Number",
    "PictureSet",
    "Test",
    "evaluate_folders",
    "evaluate_runs",
    "picture_set",
]
