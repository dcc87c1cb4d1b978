"""Folders of small pictures, and a run with generators."""

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.training.runs import write_json
from impasto.translation import save_generators


@pytest.fixture(autouse=True)
def small_sets(monkeypatch):
    """Sixteen times less work for lite than at its own size."""
    monkeypatch.setattr("impasto.encoders.points.SIDE", 64)


@pytest.fixture
def draw(tmp_path):
    """draw('folder', count, seed=0, size=(32, 32), suffix='.png') -> the folder with pictures 0 to count - 1."""

    def make(name, count, *, seed=0, size=(32, 32), suffix=".png", prefix="p"):
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(seed)
        for number in range(count):
            small = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((size[1], size[0]), Image.Resampling.BICUBIC)
            picture.save(folder / f"{prefix}{number}{suffix}")
        return folder

    return make


@pytest.fixture
def run(tmp_path):
    """run('name', seed) -> a folder as `impasto train cyclegan` leaves one."""

    def make(name, seed, file="generators.safetensors"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        torch.manual_seed(seed)
        generators = {direction: Generator(GeneratorConfig(width=2, blocks=1)) for direction in ("A2B", "B2A")}
        save_generators(folder / file, "cyclegan", generators, {"seed": seed})
        write_json(folder / "config.json", {"recipe": "cyclegan_slim", "seed": seed})
        write_json(folder / "state.json", {"step": 1234, "best": {"step": 1000}})
        return folder

    return make
