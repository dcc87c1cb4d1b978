"""Numbers about pictures that were made, each with the protocol that it was measured by."""

from impasto.evaluation.evaluate import evaluate_folders, evaluate_runs
from impasto.evaluation.measures import Judges
from impasto.evaluation.numbers import Number
from impasto.evaluation.pictures import PictureSet, picture_set

__all__ = ["Judges", "Number", "PictureSet", "evaluate_folders", "evaluate_runs", "picture_set"]
