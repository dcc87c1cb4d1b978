"""Pictures to look at, and a generator that looks."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig
from impasto.translation import save_generators


def picture(height: int, width: int, seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


CONTENT, STYLE = picture(46, 61, 0), picture(37, 53, 1)


def pixels(height: int = 18, width: int = 29, seed: int = 1) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def trained(network: Any) -> Any:
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data = (torch.randn(parameter.shape, generator=generator) * 0.3).half().float()
    return network.eval().requires_grad_(False)


def nla(**settings: object) -> Generator:
    network: Generator = trained(Generator(GeneratorConfig(width=2, blocks=3, position=2, **settings)))  # type: ignore[arg-type]
    return network


def generators(folder: Path, **settings: object) -> Path:
    """The file of a trained generator."""
    file = folder / "nla.safetensors"
    save_generators(file, "nla-cyclegan", {"A2B": nla(**settings)}, {})
    return file
