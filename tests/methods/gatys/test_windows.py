"""The gradient of a whole picture in the memory of a window."""

import re
from dataclasses import replace

import pytest
import torch
from small_encoder import encoder, picture
from torch import Tensor

from impasto.encoders import load_encoder
from impasto.encoders.network import LAYERS
from impasto.methods import StylizeOptions, TemporalTarget
from impasto.methods.gatys.memory import LEAST_HISTORY, SIDES, Allowance, MemoryPlan, Needs
from impasto.methods.gatys.objective import Objective, objective_at
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys
from impasto.methods.gatys.windows import HALO, whole, windows
from impasto.sizes import fit

# As wide as relu5_1 sees, so that every kind of window is there, and of odd sides.
HEIGHT, WIDTH = 213, 131

CHOICES: dict[str, dict[str, object]] = {
    "covariances": {"content_layers": "relu3_1,relu4_2:3", "tv_weight": 0.5},
    "gram": {"style_loss": "gram", "range_weight": 2.0, "style_layers": "relu1_1,relu5_1"},
    "attention": {"attention_weight": 1e3, "attention_layers": "relu3_1,relu4_1", "style_loss": "gram"},
    "raw attention": {"attention_weight": 1e3, "attention_loss": "raw-gram"},
    "local attention": {"attention_weight": 10.0, "attention_loss": "local"},
}


def objective(side: int | None, masks: list[Tensor] | None, opacity: Tensor | None, **choices: object) -> Objective:
    options = StylizeOptions(method="gatys", **choices).resolved()  # type: ignore[arg-type]
    content = picture(HEIGHT, WIDTH, 1)
    if opacity is not None:
        content = torch.cat([content, opacity], 1)
    styles = [picture(150, 210, 2), picture(180, 100, 3)][: len(masks or [0])]
    return objective_at(encoder(), content, styles, options, masks, side=side)


def halves() -> list[Tensor]:
    """Two soft masks, of which the first leaves a window empty."""
    first = torch.linspace(-1.5, 1, HEIGHT, dtype=torch.float64).clamp_min(0)[:, None].expand(HEIGHT, WIDTH)[None, None]
    return [first.contiguous(), (1 - first) * 0.8]


@pytest.mark.parametrize(
    ("name", "where"),
    [
        *((name, "everywhere") for name in CHOICES),
        *((name, "masks") for name in ("covariances", "attention", "local attention")),
        *((name, "transparent") for name in ("gram", "local attention")),
    ],
)
def test_losses_and_gradient_are_those_of_the_whole_picture(name: str, where: str) -> None:
    masks = halves() if where == "masks" else None
    opacity = halves()[0] if where == "transparent" else None
    image = picture(HEIGHT, WIDTH, 0) * 1.4 - 0.2
    expected, slope = objective(None, masks, opacity, **CHOICES[name]).evaluate(image)
    losses, gradient = objective(48, masks, opacity, **CHOICES[name]).evaluate(image)
    assert losses.keys() == expected.keys()
    for key, value in expected.items():
        assert losses[key].item() == pytest.approx(value.item(), rel=1e-9)
    assert float((gradient - slope).norm() / slope.norm()) < 1e-8


def test_a_frame_is_held_in_windows_as_in_the_whole() -> None:
    held = TemporalTarget(picture(HEIGHT, WIDTH, 4), halves()[0])
    image = picture(HEIGHT, WIDTH, 0)
    whole_picture, in_windows = (
        replace(objective(side, None, None, **CHOICES["covariances"]), held=held).evaluate(image) for side in (None, 48)
    )
    assert in_windows[0]["temporal"].item() == pytest.approx(whole_picture[0]["temporal"].item(), rel=1e-9)
    assert float((in_windows[1] - whole_picture[1]).norm() / whole_picture[1].norm()) < 1e-8


@pytest.mark.parametrize("side", [16, 48, 208])
def test_features_are_those_of_the_whole_picture(side: int) -> None:
    image, network = picture(HEIGHT, WIDTH, 0), encoder()
    for layer, value in whole(network, image, LAYERS, side).items():
        assert torch.allclose(value, network(image, [layer])[layer], rtol=0, atol=1e-12)


def test_no_window_is_larger_than_its_side_and_what_it_sees() -> None:
    for window in windows(picture(700, 1000, 0), 64):
        assert max(pixels.stop - pixels.start for pixels in window.seen) <= 64 + 2 * HALO


@pytest.mark.slow
def test_little_memory_gives_nearly_the_same_painting_in_windows() -> None:
    content, style = (torch.rand(1, 3, 330, 300, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    method = Gatys(torch.device("cpu"))
    few = {"method": "gatys", "steps": 2, "scales": 1, "precision": "fp32"}
    at_once = method(content, [style], StylizeOptions(**few))  # type: ignore[arg-type]
    in_windows = method(content, [style], StylizeOptions(**few, max_memory=0.1))  # type: ignore[arg-type]
    assert float((in_windows - at_once).abs().max()) < 1e-3


def needs(**choices: object) -> Needs:
    return Needs(load_encoder("lite"), StylizeOptions(method="gatys", **choices).resolved())  # type: ignore[arg-type]


def test_more_memory_than_is_allowed_is_said_with_the_size_that_fits(caplog) -> None:
    room, needed = Allowance(2 * 2**30), needs(max_memory=2.0)

    def said(height: int, width: int) -> list[str]:
        caplog.clear()
        needed.warn_of_more(needed.plan(height, width, room), height, width, room)
        return [message for message in caplog.messages if "--max-memory 2" in message]

    (message,) = said(3000, 4000)
    found = re.fullmatch(r"4000 x 3000 pixels take about 3.4 GiB, more than --max-memory 2; --size (\d+) fits", message)
    assert found is not None
    assert said(*fit(3000, 4000, int(found[1]))) == []


def test_memory_decides_windows_then_history() -> None:
    plans = [needs().plan(3000, 4000, Allowance(gib * 2**30)) for gib in (64, 12, 8, 5, 4, 1)]
    assert plans[0].side is None
    assert [one.history for one in plans[:2]] == [20, 20]
    assert plans[1].side == max(SIDES)
    assert 20 > plans[3].history > plans[4].history >= LEAST_HISTORY
    for gib, one in zip((64, 12, 8, 5, 4), plans, strict=False):
        assert one.bytes <= gib * 2**30
    assert plans[5] == MemoryPlan(min(SIDES), LEAST_HISTORY, plans[5].bytes)


@pytest.mark.parametrize("gib", [0.02, 0.1, 0.5, 4])
def test_the_largest_picture_that_fits_is_planned_to_fit_and_no_larger_one(gib: float) -> None:
    room, needed = Allowance(gib * 2**30), needs()
    most = int(room.memory / needed.fitting_bytes_per_pixel(room))
    assert needed.plan(1, most, room).bytes <= room.memory
    assert needed.plan(1, most + 1, room).bytes > room.memory


def test_twelve_megapixels_are_planned_in_two_gib_with_all_of_the_history() -> None:
    room = Allowance(1.5 * 2**30, 100 * 2**30)  # besides PyTorch and the photo
    chosen = needs().plan(3000, 4000, room)
    assert chosen.in_files
    assert chosen.history == GatysOptions().history
    assert chosen.bytes <= room.memory
    assert needs(optimizer="adam").plan(3000, 4000, room).in_files


def test_the_disk_decides_how_much_is_remembered() -> None:
    little, roomy, none = (
        needs().plan(3000, 4000, Allowance(memory * 2**30, disk * 2**30))
        for memory, disk in ((1.5, 4), (64, 100), (1.5, 0))
    )
    assert little.in_files
    assert LEAST_HISTORY <= little.history < GatysOptions().history
    assert not roomy.in_files
    assert (none.in_files, none.side, none.history) == (False, min(SIDES), LEAST_HISTORY)
