"""Each style in its own region: guided Gram matrices, from the loss to the painting."""

from typing import Any

import pytest
import torch
from small_encoder import encoder, picture
from torch import Tensor

from impasto import load
from impasto.encoders.network import LAYERS, Encoder, block_of
from impasto.errors import OptionError
from impasto.losses.conventions import CONVENTIONS, style_factor
from impasto.losses.gram import gram
from impasto.methods import StylizeOptions
from impasto.methods.gatys.memory import Allowance, Needs
from impasto.methods.gatys.objective import Objective, objective_at
from impasto.tensors import resize

STYLE_LAYERS = {"relu1_1": 2.0, "relu2_1": 1.0, "relu3_2": 5.0, "relu5_1": 1.0}
QUICK: dict[str, Any] = {"method": "gatys", "scales": 1, "steps": 3}
ENOUGH = 40  # steps until the colours of a small picture have settled


def soft_masks(height: int, width: int, count: int) -> list[Tensor]:
    """Maps that sum to less than 1."""
    generator = torch.Generator().manual_seed(7)
    maps = torch.rand(count + 1, 1, 1, height, width, dtype=torch.float64, generator=generator)
    return list((maps / maps.sum(0))[:count])


def left(height: int, width: int, columns: int) -> Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[..., :columns] = 1
    return mask


def options(**choices: Any) -> StylizeOptions:
    layers = ",".join(f"{layer}:{weight}" for layer, weight in STYLE_LAYERS.items())
    own = {"method": "gatys", "style_loss": "gram", "style_layers": layers, "style_weight": 7.0, "style_fit": "own"}
    return StylizeOptions(**(own | choices))


def regional(network: Encoder, content: Tensor, styles: list[Tensor], masks: list[Tensor], **choices: Any) -> Objective:
    return objective_at(network, content, styles, options(**choices), [mask.to(content) for mask in masks])


# --- the loss ---------------------------------------------------------------------------------------------------------


def halved(rows: list[list[float]]) -> list[list[float]]:
    """Means of windows of two by two, of fewer at the end of an odd side."""
    H, W = len(rows), len(rows[0])
    result = []
    for y in range(0, H, 2):
        windows = [
            [rows[i][j] for i in range(y, min(y + 2, H)) for j in range(x, min(x + 2, W))] for x in range(0, W, 2)
        ]
        result.append([sum(window) / len(window) for window in windows])
    return result


@pytest.mark.parametrize("size", [(16, 24), (21, 13), (1, 1), (1, 6)])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_style_loss_is_the_sum_over_regions_by_their_area(convention: str, size: tuple[int, int]) -> None:
    network, image, content = encoder(), picture(*size, 0), picture(*size, 1)
    styles, masks = [picture(9, 20, 2), picture(16, 8, 3)], soft_masks(*size, 2)
    losses = regional(network, content, styles, masks, convention=convention).losses(image)
    features = network(image, LAYERS)
    expected = 0.0
    for style, mask in zip(styles, masks, strict=True):
        share = sum(mask.flatten().tolist()) / mask.numel()
        for layer, weight in STYLE_LAYERS.items():
            rows = mask[0, 0].tolist()
            for _ in range(1, block_of(layer)):
                rows = halved(rows)
            F, w = features[layer].flatten(2)[0], torch.tensor(rows, dtype=torch.float64).flatten()
            G = sum(w[p] * torch.outer(F[:, p], F[:, p]) for p in range(len(w))) / w.sum()
            target = gram(network(style, [layer])[layer])
            difference = float((G - target[0]).square().mean()) * style_factor(convention, target)
            expected += share * 7.0 * weight / sum(STYLE_LAYERS.values()) * difference
    assert float(losses["style"]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_mask_of_ones_is_no_mask(dtype: torch.dtype) -> None:
    network = encoder().to(dtype)
    image, content, style = (picture(21, 30, seed).to(dtype) for seed in range(3))
    image.requires_grad_()
    plain = objective_at(network, content, [style], options())
    masked = regional(network, content, [style], [torch.ones(1, 1, 21, 30)])
    within = 1e-5 if dtype == torch.float32 else 1e-12
    for name, loss in plain.losses(image).items():
        torch.testing.assert_close(masked.losses(image)[name], loss, rtol=within, atol=0)
    gradients = [torch.autograd.grad(one.losses(image)["style"], image)[0] for one in (plain, masked)]
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0, atol=within * float(gradients[0].abs().max()))


def test_a_region_moves_nothing_beyond_what_its_layers_see() -> None:
    image = picture(16, 24, 0).requires_grad_()
    masks = [left(16, 24, 10), torch.zeros(1, 1, 16, 24)]
    styles = [picture(9, 20, 2), picture(16, 8, 3)]
    objective = regional(encoder(), picture(16, 24, 1), styles, masks, style_layers="relu1_1")
    (gradient,) = torch.autograd.grad(objective.losses(image)["style"], image)
    assert (gradient[..., 11:] == 0).all()  # one pixel beyond the region is under its 3 x 3 convolution
    assert (gradient[..., :10] != 0).any(dim=1).all()


def test_a_region_counts_as_much_as_its_area() -> None:
    """Twice the same half of a picture, where only one of them has a style: half the loss of the half alone."""
    half, style = picture(16, 16, 0), picture(9, 20, 2)
    image = torch.cat([half, half.flip(3)], dim=3)
    # Layers of single pixels, so that the seam does not show.
    network = encoder()
    with torch.no_grad():
        convolution = network.convolution("relu1_1").weight
        convolution.copy_(convolution * (torch.arange(9).view(3, 3) == 4))
    alone = regional(network, half, [style], [torch.ones(1, 1, 16, 16)], style_layers="relu1_1")
    one = regional(network, image, [style], [left(16, 32, 16)], style_layers="relu1_1")
    both = regional(network, image, [style, style], [left(16, 32, 16), 1 - left(16, 32, 16)], style_layers="relu1_1")
    loss = float(alone.losses(half)["style"])
    assert float(one.losses(image)["style"]) == pytest.approx(0.5 * loss)
    assert float(both.losses(image)["style"]) == pytest.approx(loss)
    assert one.weights["range"] < both.weights["range"]
    assert both.weights["range"] == pytest.approx(alone.weights["range"], rel=0.1)


@pytest.mark.parametrize("mask", [torch.zeros(1, 1, 16, 24), torch.full((1, 1, 16, 24), 1e-9)])
def test_a_region_of_nothing_has_no_style(mask: Tensor) -> None:
    objective = regional(encoder(), picture(16, 24, 1), [picture(9, 9, 2)], [mask])
    losses = objective.losses(picture(16, 24, 0).requires_grad_())
    assert float(losses["style"]) == 0
    assert float(losses["content"].detach()) > 0


# --- the painting -----------------------------------------------------------------------------------------------------

RED = torch.tensor([0.85, 0.25, 0.15]).view(3, 1, 1)
BLUE = torch.tensor([0.1, 0.3, 0.8]).view(3, 1, 1)


def strokes(colour: Tensor, seed: int) -> Tensor:
    """Patches of 8 pixels, as wide as brush strokes are to the layers that see a painting as a whole."""
    return (colour + 0.6 * (resize(picture(6, 7, seed).float(), 48, 56) - 0.5)).clamp(0, 1)


CONTENT = 0.4 + 0.2 * picture(64, 64, 0).float()
STYLES = [strokes(RED, 1), strokes(BLUE, 2)]


def paint(masks: list[Tensor] | None, **choices: Any) -> Tensor:
    styles = choices.pop("styles", STYLES)
    content = choices.pop("content", CONTENT)
    return load("gatys", device="cpu")(content, styles, StylizeOptions(**(QUICK | choices)), masks=masks)


def redness(image: Tensor) -> Tensor:
    """Red less blue: (1, 3, H, W) -> (W), the mean of each column."""
    return (image[0, 0] - image[0, 2]).mean(0)


def test_each_half_takes_the_colours_of_its_style() -> None:
    half = left(64, 64, 32)
    painted, swapped = paint([half, 1 - half], steps=ENOUGH), paint([1 - half, half], steps=ENOUGH)
    before = float(redness(CONTENT).mean())
    # Near the seam the layers see both halves.
    assert float(redness(painted)[:28].mean()) > before + 0.2
    assert float(redness(painted)[36:].mean()) < before - 0.2
    assert float(redness(swapped)[:28].mean()) < before - 0.2
    assert float(redness(swapped)[36:].mean()) > before + 0.2


def test_a_soft_edge_goes_over_gradually() -> None:
    ramp = torch.linspace(1, 0, 64).view(1, 1, 1, 64).expand(1, 1, 64, 64).contiguous()
    shades = redness(paint([ramp, 1 - ramp], steps=ENOUGH)).view(8, 8).mean(1)
    assert (shades.diff() < 0.05).all()
    assert float(shades[0] - shades[-1]) > 0.5
    assert float(shades.diff().abs().max()) < 0.5 * float(shades[0] - shades[-1])


def test_where_no_style_is_the_content_stays() -> None:
    painted = paint([left(64, 64, 32)], styles=STYLES[:1], steps=ENOUGH)
    everywhere = paint(None, styles=STYLES[:1], steps=ENOUGH)
    change, change_everywhere = ((image - CONTENT).abs().mean(dim=(0, 1, 2)) for image in (painted, everywhere))
    assert float(change[:28].mean()) > 0.8 * float(change_everywhere[:28].mean())
    # Not less: in a picture this small the deepest layer sees all of it from everywhere.
    assert float(change[40:60].mean()) < 0.7 * float(change_everywhere[40:60].mean())


def test_empty_masks_leave_the_content() -> None:
    nothing = torch.zeros(1, 1, 64, 64)
    torch.testing.assert_close(paint([nothing, nothing], tv_weight=0.0), CONTENT)
    some = paint([nothing, torch.ones(1, 1, 64, 64)])
    assert float(redness(some).mean()) < float(redness(CONTENT).mean())


def test_at_every_scale_of_the_pyramid() -> None:
    content = 0.4 + 0.2 * picture(128, 131, 0).float()
    half = left(128, 131, 65)
    painted = paint([half, 1 - half], content=content, scales=2, coarse_steps=ENOUGH, steps=0)
    assert painted.shape == content.shape
    assert float(redness(painted)[:55].mean()) > 0.2
    assert float(redness(painted)[75:].mean()) < -0.2


def test_the_blend_plays_no_part_and_masks_do() -> None:
    half = left(64, 64, 32)
    painted = paint([half, 1 - half])
    assert torch.equal(paint([half, 1 - half], style_blend="3,1"), painted)
    assert not torch.equal(paint(None), painted)
    assert not torch.equal(paint([half, 0.5 - 0.5 * half]), painted)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 47)])
def test_any_size(size: tuple[int, int]) -> None:
    masks = [mask.float() for mask in soft_masks(*size, 2)]
    painted = paint(masks, content=picture(*size, 0).float())
    assert painted.shape == (1, 3, *size)
    assert torch.isfinite(painted).all()


def test_masks_are_left_as_they_were() -> None:
    masks = [mask.float() for mask in soft_masks(64, 64, 2)]
    copies = [mask.clone() for mask in masks]
    with torch.inference_mode():
        paint(masks)
    assert all(torch.equal(mask, copy) for mask, copy in zip(masks, copies, strict=True))


def test_masks_that_do_not_fit() -> None:
    half = left(64, 64, 32)
    with pytest.raises(OptionError, match="1 masks were given for 2 styles"):
        paint([half])
    for wrong in (half[..., :-1], half[0], half.expand(1, 3, 64, 64)):
        with pytest.raises(OptionError, match=r"shape of the content, \(1, 1, 64, 64\), and not"):
            paint([half, wrong])


def test_regions_need_memory() -> None:
    network, chosen = encoder(), StylizeOptions(method="gatys")
    needed = [Needs(network, chosen, regions).fitting_bytes_per_pixel(Allowance(2**40)) for regions in (0, 1, 2)]
    assert needed == sorted(set(needed))
