"""Pictures to look at, and a generator that looks."""

from pathlib import Path
from typing import Any

import numpy as np
from lively import lively
from PIL import Image
from random_tensors import picture as random_picture
from torch import Tensor

from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig
from impasto.translation import save_generators


def picture(height: int, width: int, seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


CONTENT, STYLE = picture(46, 61, 0), picture(37, 53, 1)


def pixels(height: int = 18, width: int = 29, seed: int = 1) -> Tensor:
    return random_picture(height, width, seed)


def nla(**settings: Any) -> Generator:
    """A trained generator, with weights that half precision can hold."""
    return lively(Generator(GeneratorConfig(width=2, blocks=3, position=2, **settings))).half().float().eval()


def generators(folder: Path, **settings: object) -> Path:
    """The file of a trained generator."""
    file = folder / "nla.safetensors"
    save_generators(file, "nla-cyclegan", {"A2B": nla(**settings)}, {})
    return file
