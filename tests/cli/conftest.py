"""A folder of small pictures to paint, and the command to paint them with, in this process."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.cli.main import main

# Enough to change the picture, little enough to take a fraction of a second.
QUICK = ("--method", "gatys", "--steps", "3", "--coarse-steps", "2")
HEIGHT, WIDTH = 24, 32


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    def refuses(self, code: int, said: str) -> None:
        """Nothing was done, and one line says why."""
        assert (self.code, self.out, self.err.count("\n")) == (code, "", 1), self
        assert self.err.startswith("impasto: ")
        assert said in self.err


def _draw(path: Path, seed: int = 0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """A smooth random picture of (height, width)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC).save(path)
    return path


def _pixels(path: Path | str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with photo.png and style.png in it."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("IMPASTO_"):
            monkeypatch.delenv(name)
    _draw(tmp_path / "photo.png", 1)
    _draw(tmp_path / "style.png", 2)
    return tmp_path


@pytest.fixture
def draw() -> Callable[..., Path]:
    return _draw


@pytest.fixture(scope="session")
def fill() -> Callable[..., Path]:
    """Makes a folder, where the path says or in the current one, of so many pictures: 0.png, 1.png..."""

    def make(path: Path | str, count: int, seed: int = 0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
        folder = Path(path).absolute()
        folder.mkdir(parents=True)
        for number in range(count):
            _draw(folder / f"{number}.png", seed + number, size)
        return folder

    return make


@pytest.fixture
def pixels() -> Callable[[Path | str], np.ndarray]:
    return _pixels


@pytest.fixture
def impasto(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = main(arguments)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def paint(impasto: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """`impasto stylize`, quickly, in the style style.png unless told otherwise."""

    def run(*arguments: str) -> Outcome:
        style = () if {"-s", "--style", "--like"} & set(arguments) else ("--style", "style.png")
        return impasto("stylize", *arguments, *style, *QUICK)

    return run
