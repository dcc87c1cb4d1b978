"""Numbers about pictures that were made, each with the protocol that it was measured by."""

from impasto.evaluation.folders import Folders, evaluate_folders
from impasto.evaluation.judges import Judges
from impasto.evaluation.numbers import Number
from impasto.evaluation.pictures import PictureSet, picture_set
from impasto.evaluation.runs import Test, evaluate_runs

__all__ = ["Folders", "Judges", "Number", "PictureSet", "Test", "evaluate_folders", "evaluate_runs", "picture_set"]
