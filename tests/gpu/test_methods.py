"""Every method on the GPU against the CPU, in levels of 8 bits, mean over a picture.

A network in float32 without TF32: 0.01 levels. In bfloat16, which rounds to 8 bits at every layer: 3 levels; on a CPU
it is up to 1.2 away from float32.
Optimising multiplies what was rounded. The losses of the first step are those of the CPU to 1e-4, and after eight steps
the pictures are 0.2 levels apart; weights that differ by 3e-7 move them by up to 0.03. In bfloat16 L-BFGS goes a way of
its own after a few steps, so that Adam is compared: the first losses to 2e-2, the pictures to 6 levels, of which a CPU
takes up to 3.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from against_cpu import assert_all_near, assert_same_picture
from in_tensors import InTensors
from tiny_recipes import TINY
from torch import Tensor

import impasto
from impasto.gallery import packaged
from impasto.image import read
from impasto.methods import StylizeOptions
from impasto.progress import Progress
from impasto.tensors import resize, to_tensor
from impasto.translation import save_generators

pytestmark = pytest.mark.gpu

# What differs from the generators of the tiny recipes.
GENERATORS: dict[str, dict[str, Any]] = {
    "cyclegan": {"width": 8, "blocks": 2},
    "cyclegan, resize": {"width": 8, "upsampling": "resize"},
    "nla-cyclegan": {"width": 8, "blocks": 3, "position": 2},
    "nla-cyclegan, pooled": {"width": 8, "pooling": 2, "compose": True},
    "dncnn-cyclegan": {"depth": 3, "width": 16},
    "munit": {"width": 8, "blocks": 2, "style_size": 8, "mlp_width": 256},
    "aggan": {"width": 8, "blocks": 2, "attention_width": 8},
    "semantic-gan": {"width": 8, "blocks": 2},
    "semantic-gan, half": {"width": 8, "attention": "half", "pooling": 1},
}
LEVELS = {"fp32": 0.01, "bf16": 3.0, "auto": 3.0}

GATYS = {
    "default": {},
    "attention": {"attention_weight": 1.0},
    "local attention": {"attention_weight": 1.0, "attention_loss": "local", "attention_features": "shallower"},
    "adam": {"optimizer": "adam"},
    "max pooling, raw filters": {"pooling": "max", "filters": "raw"},
    "masks and attention": {"attention_weight": 1.0},
}


def picture(name: str, side: int = 80) -> Tensor:
    """Not square, and no multiple of anything."""
    return resize(to_tensor(read(packaged()[name])), side - 7, side + 4)


def generators(name: str, folder: Path) -> Path:
    """Random ones that have left their beginning: attention counts, and statistics are not those of noise."""
    recipe = TINY[name.partition(",")[0]]
    kind = type(recipe.networks().generator)
    torch.manual_seed(0)
    network = kind(replace(recipe.generator, **GENERATORS[name])).eval()
    with torch.no_grad():
        for key, value in network.named_parameters():
            if "gamma" in key or key.endswith("bias"):
                value.copy_(0.1 * torch.randn_like(value) + (0.5 if "gamma" in key else 0))
        for key, value in network.named_buffers():
            if key.endswith("running_var"):
                value.copy_(0.5 + torch.rand_like(value))
    path = folder / "generators.safetensors"
    save_generators(path, name.partition(",")[0], {"A2B": network}, {})
    return path


def check(what: str, device: torch.device, precision: str, paint: Callable[[str, str], Tensor]) -> None:
    """paint: (device, precision) -> a picture."""
    found, expected = paint(str(device), precision), paint("cpu", "fp32")
    assert_same_picture(f"{what}, {precision}", found, expected, LEVELS[precision])


@pytest.mark.parametrize("precision", LEVELS)
@pytest.mark.parametrize("name", [*GENERATORS, "nla-cyclegan, monet"])
def test_a_translation(name: str, precision: str, device: torch.device, tmp_path: Path) -> None:
    method, content = name.partition(",")[0], picture("mountains")
    weights = "monet" if name.endswith("monet") else generators(name, tmp_path)

    def paint(place: str, precision: str) -> Tensor:
        stylizer = impasto.load(method, device=place, weights=weights)
        return stylizer(content, [], StylizeOptions(method=method, precision=precision))

    check(name, device, precision, paint)


@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize("decoder", ["adain", "adain_paper"])
@pytest.mark.parametrize("precision", LEVELS)
def test_adain(decoder: str, precision: str, is_masked: bool, device: torch.device) -> None:
    content, styles = picture("mountains"), [picture("swirls"), picture("ink")]
    left = torch.linspace(0, 1, content.shape[3]).expand(1, 1, *content.shape[2:])
    how = {"masks": [left, 0.8 * (1 - left)]} if is_masked else {}

    def paint(place: str, precision: str) -> Tensor:
        blend = "" if is_masked else "0.7,0.3"
        options = StylizeOptions(decoder=decoder, precision=precision, style_blend=blend, style_scale=0.2)
        return InTensors(impasto.load("adain", device=place))(content, styles, options, **how)

    check(f"{decoder}, masks" if is_masked else decoder, device, precision, paint)


def optimised(
    place: str, options: StylizeOptions, masks: list[Tensor] | None = None
) -> tuple[Tensor, dict[str, float]]:
    """(the picture, the losses of the first step)."""
    reports: list[Progress] = []
    content, styles = picture("mountains"), [picture("swirls")]
    if masks:
        styles.append(picture("ink"))
    painted = impasto.load("gatys", device=place)(content, styles, options, masks=masks, progress=reports.append)
    return painted, dict(reports[0].losses)


@pytest.mark.parametrize(("precision", "first", "levels"), [("fp32", 1e-4, 0.2), ("bf16", 2e-2, 6.0)])
@pytest.mark.parametrize("name", GATYS)
def test_gatys(name: str, precision: str, first: float, levels: float, device: torch.device) -> None:
    own: dict[str, Any] = {"method": "gatys", "scales": 1, "steps": 8, "init": "noise", **GATYS[name]}
    if precision == "bf16":
        own["optimizer"] = "adam"
    masks = None
    if name == "masks and attention":
        height, width = picture("mountains").shape[2:]
        left = torch.linspace(0, 1, width).expand(1, 1, height, width)
        masks = [left, 1 - left]
    found, its = optimised(str(device), StylizeOptions(**own, precision=precision), masks)
    expected, theirs = optimised("cpu", StylizeOptions(**own, precision="fp32"), masks)
    assert its.keys() == theirs.keys()
    theirs = {term: value for term, value in theirs.items() if value}
    assert_all_near(f"gatys, {name}, {precision}", {term: its[term] for term in theirs}, theirs, first)
    assert_same_picture(f"gatys, {name}, {precision}", found, expected, levels)
