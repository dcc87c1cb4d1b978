"""What every method keeps to, whatever else it does."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from in_tensors import InTensors
from in_tensors import picture as as_picture
from random_tensors import picture
from tiny_recipes import TINY
from torch import Tensor

import impasto
from impasto.api import paint
from impasto.errors import OptionError
from impasto.image import Picture
from impasto.methods import METHODS, StylizeOptions, Stylizer, options_of
from impasto.options import Options
from impasto.progress import Progress
from impasto.translation import save_generators

# What makes a method quick.
QUICK: dict[str, dict[str, Any]] = {"gatys": {"scales": 1, "steps": 2, "coarse_steps": 1, "init": "noise"}}

SIZES = [(33, 47), (1, 1), (1, 40), (2, 300), (40, 1)]


@pytest.fixture(scope="module", params=list(METHODS))
def stylizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stylizer:
    if not options_of(request.param).needs_weights:
        return loaded(request.param)
    path = tmp_path_factory.mktemp("weights") / "generators.safetensors"
    torch.manual_seed(0)
    save_generators(path, request.param, {"A2B": TINY[request.param].networks().generator}, {})
    return loaded(request.param, path)


def loaded(method: str, weights: Any = None) -> Any:
    found = impasto.load(method, device="cpu", weights=weights)
    return InTensors(found) if getattr(found, "takes_arrays", False) else found


def options(stylizer: Stylizer, **choices: Any) -> Options:
    return StylizeOptions(stylizer.method, **(QUICK.get(stylizer.method, {}) | choices))


def shown(stylizer: Stylizer, style: Tensor) -> list[Tensor]:
    """What a method is given besides the content."""
    return [style] if options(stylizer).takes_styles else []


of_styles = pytest.mark.parametrize(
    "stylizer", [name for name in METHODS if options_of(name).takes_styles], indirect=True
)


def is_picture(result: Tensor, size: Sequence[int]) -> bool:
    return (
        result.shape == (1, 3, *size)
        and result.dtype == torch.float32
        and result.device.type == "cpu"
        and not result.requires_grad
        and bool(((result >= 0) & (result <= 1)).all())
    )


@pytest.mark.parametrize("size", SIZES)
def test_any_size_of_content(stylizer: Stylizer, size: tuple[int, int]) -> None:
    result = stylizer(picture(*size), shown(stylizer, picture(20, 30, 1)), options(stylizer))
    assert is_picture(result, size)
    assert not torch.equal(result, picture(*size))


@of_styles
@pytest.mark.parametrize("size", SIZES)
def test_any_size_of_style(stylizer: Stylizer, size: tuple[int, int]) -> None:
    assert is_picture(stylizer(picture(25, 31), [picture(*size, 1)], options(stylizer)), (25, 31))


@of_styles
def test_several_styles_of_different_sizes(stylizer: Stylizer) -> None:
    styles = [picture(20, 30, 1), picture(41, 17, 2), picture(1, 1, 3)]
    result = stylizer(picture(25, 31), styles, options(stylizer))
    assert is_picture(result, (25, 31))
    assert not torch.equal(result, stylizer(picture(25, 31), styles[:1], options(stylizer)))


def cut(seed: int, colours: Tensor | None = None) -> Picture:
    """A content whose right half is transparent, and there of any colours."""
    alpha = torch.ones(1, 1, 33, 47)
    alpha[..., 24:] = 0
    alpha[..., 23] = 0.5
    return as_picture(
        torch.where(alpha > 0, picture(33, 47), picture(33, 47, seed) if colours is None else colours), alpha
    )


@pytest.mark.parametrize("choices", [{}, {"size": 40}, {"colour": "match"}, {"colour": "keep"}, {"strength": 0.5}])
def test_what_is_transparent_of_a_content_changes_nothing(stylizer: Stylizer, choices: dict[str, Any]) -> None:
    try:
        chosen = options(stylizer, **choices)
    except OptionError:
        pytest.skip("the method has no such option")
    one, other = (
        paint(cut(0, colours), shown(stylizer, picture(20, 30, 1)), chosen, stylizer=stylizer).picture.pixels
        for colours in (torch.zeros(1, 3, 33, 47), torch.ones(1, 3, 33, 47))
    )
    assert np.array_equal(one, other)


@pytest.mark.parametrize("stylizer", [name for name in METHODS if options_of(name).takes_masks], indirect=True)
def test_nor_does_it_where_there_are_masks(stylizer: Stylizer) -> None:
    mask = as_picture(torch.linspace(0, 1, 33).reshape(1, 1, 33, 1).expand(1, 3, 33, 47))
    one, other = (
        paint(cut(seed), [picture(20, 30, 1)], options(stylizer), masks=[mask], stylizer=stylizer).picture.pixels
        for seed in (5, 6)
    )
    assert np.array_equal(one, other)


def test_a_part_that_is_transparent_has_no_say_in_the_rest(stylizer: Stylizer) -> None:
    if stylizer.method in ("dncnn-cyclegan", "gatys"):
        pytest.skip("statistics of its training, or of a loss whose test is elsewhere")
    # What is transparent is seen from further away than a small picture is wide: half of what is visible is looked at.
    content = picture(66, 94)
    content[..., 48:] = 0.9
    opacity = torch.ones(1, 1, 66, 94)
    opacity[..., 48:] = 0
    styles = shown(stylizer, picture(20, 30, 1))
    whole, left = (stylizer(one, styles, options(stylizer)) for one in (content, content[..., :48].contiguous()))
    counted = stylizer(torch.cat([content, opacity], 1), styles, options(stylizer))
    assert is_picture(counted, (66, 94))

    def error(painted: Tensor) -> float:
        return float((painted[..., :24] - left[..., :24]).abs().mean())

    assert error(counted) < 0.8 * error(whole)


def test_extreme_pictures(stylizer: Stylizer) -> None:
    black, white = torch.zeros(1, 3, 20, 24), torch.ones(1, 3, 20, 24)
    for content, style in ((black, white), (white, black), (black, black), (white, picture(20, 24))):
        assert is_picture(stylizer(content, shown(stylizer, style), options(stylizer)), (20, 24))


def test_the_same_call_gives_the_same_picture(stylizer: Stylizer) -> None:
    def paint(method: Stylizer) -> Tensor:
        return method(picture(25, 31), shown(method, picture(20, 30, 1)), options(stylizer))

    first = paint(stylizer)
    torch.manual_seed(123)  # the global generator plays no part
    assert torch.equal(paint(stylizer), first)
    assert torch.equal(paint(loaded(stylizer.method, stylizer.weights)), first)


def test_any_memory_layout(stylizer: Stylizer) -> None:
    content, style = picture(25, 31), picture(20, 30, 1)
    expected = stylizer(content, shown(stylizer, style), options(stylizer))
    for layout in (
        content.contiguous(memory_format=torch.channels_last),
        content.transpose(2, 3).contiguous().transpose(2, 3),
    ):
        assert torch.equal(stylizer(layout, shown(stylizer, style), options(stylizer)), expected)


def test_inputs_are_left_alone(stylizer: Stylizer) -> None:
    optimizers = [{"optimizer": "lbfgs"}, {"optimizer": "adam"}]
    for choices in optimizers if options(stylizer).method == "gatys" else [{}]:
        content, style = picture(25, 31).contiguous(memory_format=torch.channels_last), picture(20, 30, 1)
        stylizer(content, shown(stylizer, style), options(stylizer, **choices))
        assert torch.equal(content, picture(25, 31))
        assert torch.equal(style, picture(20, 30, 1))
        assert not content.requires_grad


def test_global_state_is_left_alone(stylizer: Stylizer) -> None:
    def state() -> tuple[Any, ...]:
        return (
            torch.get_rng_state().tolist(),
            np.random.get_state()[1].tolist(),  # noqa: NPY002
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
        )

    before = state()
    stylizer(picture(25, 31), shown(stylizer, picture(20, 30, 1)), options(stylizer))
    assert state() == before


def test_the_callers_grad_mode_does_not_matter(stylizer: Stylizer) -> None:
    expected = stylizer(picture(25, 31), shown(stylizer, picture(20, 30, 1)), options(stylizer))
    with torch.no_grad():
        assert torch.equal(stylizer(picture(25, 31), shown(stylizer, picture(20, 30, 1)), options(stylizer)), expected)
        assert not torch.is_grad_enabled()


def test_progress_comes_to_its_end(stylizer: Stylizer) -> None:
    reports: list[Progress] = []
    stylizer(picture(25, 31), shown(stylizer, picture(20, 30, 1)), options(stylizer), progress=reports.append)
    steps = [report.step for report in reports]
    assert steps == sorted(set(steps))
    assert {report.total for report in reports} == {steps[-1]}
    for report in reports:
        assert report.preview is None or is_picture(torch.as_tensor(report.preview()), report.size or (25, 31))


def test_weights_are_named_by_their_hashes(stylizer: Stylizer) -> None:
    hashes = stylizer.weights_hashes(options(stylizer))
    assert hashes
    assert all(len(digest) == 64 and int(digest, 16) for digest in hashes.values())
