"""A painting has the colours of its style: no fringes of every hue along edges."""

import pytest
import torch
from small_encoder import picture
from torch import Tensor

from impasto import load
from impasto.methods import StylizeOptions
from impasto.tensors import resize


def girders() -> Tensor:
    """Dark bars before a plain sky."""
    content = torch.tensor([0.6, 0.75, 0.9]).view(1, 3, 1, 1).expand(1, 3, 96, 96).clone()
    content[..., 30:36, :] = 0.15
    content[..., 20:90:14] = 0.1
    return content


def strokes() -> Tensor:
    """From ochre to lemon, and no other colour."""
    light = resize(picture(24, 24, 1).float(), 96, 96)[:, :1].clamp(0, 1)
    return torch.cat([0.35 + 0.6 * light, 0.3 + 0.6 * light, 0.05 + 0.2 * light], 1)


def off_palette(painted: Tensor) -> Tensor:
    """Distance of every pixel's colour from the line that the strokes' colours are on: (P)."""
    colours, line = painted.flatten(2)[0], torch.tensor([0.6, 0.6, 0.2])
    line = line / line.norm()
    apart = colours - torch.tensor([0.35, 0.3, 0.05])[:, None]
    return (apart - line[:, None] * (line @ apart)).norm(dim=0)


@pytest.mark.parametrize("preset", ["draft", "default"])
def test_no_colour_that_the_painting_does_not_have(preset: str) -> None:
    painted = load("gatys", device="cpu")(girders(), [strokes()], StylizeOptions(method="gatys", preset=preset))
    assert float(off_palette(painted).max()) < 0.06
    assert float(off_palette(painted).square().mean().sqrt()) < 0.005


def test_the_content_of_another_colour_is_the_only_reason_otherwise() -> None:
    options = StylizeOptions(method="gatys", preset="draft", content_colours="own")
    painted = load("gatys", device="cpu")(girders(), [strokes()], options)
    assert float(off_palette(painted).square().mean().sqrt()) > 0.02
