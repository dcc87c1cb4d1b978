"""The folder layout of CycleGAN's data sets: trainA, trainB and, for what is never trained on, testA, testB."""

from pathlib import Path

TRAIN = {"A": "trainA", "B": "trainB"}
TEST = {"A": "testA", "B": "testB"}
"""Of each kind: the folder's name, and what a mapping of data calls the pictures that are never trained on."""


def find_layout(folder: Path) -> dict[str, list[Path]]:
    """{'A': [trainA], 'B': [trainB]} of a data set's folder, with 'testA' and 'testB' where they are there.

    Empty if one of the training folders is missing.
    """
    if not all((folder / name).is_dir() for name in TRAIN.values()):
        return {}
    layout = {kind: [folder / name] for kind, name in TRAIN.items()}
    return layout | {name: [folder / name] for name in TEST.values() if (folder / name).is_dir()}
