"""No accelerator knows of the test before; pictures of two kinds to learn from."""

from pathlib import Path

import numpy as np
import pytest
from trainings import draw, fresh_accelerator  # noqa: F401  (used by every test here)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    random = np.random.default_rng(0)
    return {kind: draw(tmp_path_factory.mktemp(kind), 22, random) for kind in ("A", "B")}
