"""Numbers about pictures that were made, each with the protocol that it was measured by."""

from impasto.evaluation.evaluate import Folders, Test, evaluate_folders, evaluate_runs
from impasto.evaluation.measures import Judges
from impasto.evaluation.numbers import Number
from impasto.evaluation.pictures import PictureSet, picture_set

__all__ = ["Folders", "Judges", "Number", "PictureSet", "Test", "evaluate_folders", "evaluate_runs", "picture_set"]
