"""One run that nobody interrupted, to compare others with, and pictures of two kinds to learn from."""

from pathlib import Path

import numpy as np
import pytest
from small_training import Tiny, train
from trainings import draw


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return train(Tiny(), tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the folders A and B."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for kind in ("A", "B"):
        draw(folder / kind, 3, random, (20, 20))
    return folder
