"""Pictures to learn from, and an accelerator that knows nothing of the test before."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trainings import fresh_accelerator  # noqa: F401  (used by every test here)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Six photographs, greenish and smooth, and six paintings, reddish and rough."""
    random = np.random.default_rng(0)
    folders = {}
    for kind, size in (("content", (3, 4)), ("style", (12, 16))):
        folder = tmp_path_factory.mktemp(kind)
        for number in range(6):
            coarse = random.integers(0, 200, (*size, 3), dtype=np.uint8)
            coarse[..., 0 if kind == "style" else 1] += 55
            Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
        folders[kind] = [folder]
    return folders
