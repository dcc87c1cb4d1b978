"""Comparisons of small pictures, painted without a process for each method."""

import numpy as np
import pytest
from PIL import Image

from impasto.comparison import runner, worker
from impasto.comparison.entries import parse
from impasto.comparison.runner import Comparison


@pytest.fixture
def jobs(monkeypatch):
    """The worker in this process, for a new one takes seconds to import PyTorch; names of the contents that it gets."""
    given = []

    def told(entry, device, pairs):
        given.append([content.name for content, _, _ in pairs.values()])
        yield from worker.paint(entry, device, pairs)

    monkeypatch.setattr(runner, "_messages", told)
    return given


@pytest.fixture
def make(tmp_path):
    named = {}
    for seed, name in enumerate(("tree", "house", "swirls")):
        small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        named[name] = tmp_path / f"{name}.png"
        Image.fromarray(small).resize((40, 32), Image.Resampling.BICUBIC).save(named[name])

    def comparison(methods, contents=("tree",)):
        return Comparison(
            contents=[(f"{name}.png", named[name]) for name in contents], styles=[("swirls.png", named["swirls"])],
            variants={entry.name: entry for entry in parse(methods, {"size": 32})},
            folder=tmp_path / "out", device="cpu",
        )  # fmt: skip

    return comparison
