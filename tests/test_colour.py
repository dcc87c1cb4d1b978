"""Colours kept and colours matched: what OkLab says, what statistics say, and no picture that breaks it."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from in_tensors import in_tensors
from random_tensors import picture
from torch import Tensor

from impasto import colour
from impasto.errors import PictureError

names = ("colour_scale", "from_oklab", "keep_colours", "match_colours", "to_oklab")
colour_scale, from_oklab, keep_colours, match_colours, to_oklab = (in_tensors(getattr(colour, name)) for name in names)

SIZES = [(1, 1), (1, 7), (5, 3), (40, 31)]


def painting(height: int, width: int, seed: int = 0) -> Tensor:
    """Correlated colours, away from black and white."""
    mixing = torch.tensor([[0.20, 0.10, 0.02], [0.02, 0.15, 0.08], [0.10, -0.05, 0.12]]).roll(seed, 0)
    colours = mixing @ (picture(height, width, seed) - 0.5).flatten(2)
    return (colours + torch.tensor([0.6, 0.45, 0.4]).roll(seed)[:, None]).view(1, 3, height, width)


def flat(height: int, width: int, *rgb: float) -> Tensor:
    return torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1).expand(1, 3, height, width).clone()


def grey(height: int, width: int, seed: int = 0) -> Tensor:
    return picture(height, width, seed)[:, :1].expand(1, 3, height, width).clone()


def colours(image: Tensor) -> Tensor:
    return image.double().flatten(2)[0]


def mean_and_covariance(image: Tensor) -> tuple[np.ndarray, np.ndarray]:
    values = colours(image).numpy()
    return values.mean(1), np.atleast_2d(np.cov(values, bias=True))


# --- OkLab ------------------------------------------------------------------------------------------------------------

PUBLISHED = {
    (1, 1, 1): (1.0, 0.0, 0.0),
    (0, 0, 0): (0.0, 0.0, 0.0),
    (1, 0, 0): (0.62796, 0.22486, 0.12585),
    (0, 1, 0): (0.86644, -0.23389, 0.17950),
    (0, 0, 1): (0.45201, -0.03246, -0.31153),
}


@pytest.mark.parametrize("rgb", PUBLISHED)
def test_oklab_of_published_colours(rgb: tuple[float, ...]) -> None:
    lab = to_oklab(torch.tensor(rgb, dtype=torch.float64)[:, None])[:, 0]
    torch.testing.assert_close(lab, torch.tensor(PUBLISHED[rgb], dtype=torch.float64), rtol=0, atol=6e-6)


def test_oklab_and_back() -> None:
    levels = torch.linspace(0, 1, 18, dtype=torch.float64)
    cube = torch.cartesian_prod(levels, levels, levels).T
    torch.testing.assert_close(from_oklab(to_oklab(cube)), cube, rtol=0, atol=1e-9)
    single = from_oklab(to_oklab(cube.float()))
    torch.testing.assert_close(single.double(), cube, rtol=0, atol=2e-5)


def test_greys_have_no_chroma() -> None:
    lab = to_oklab(torch.linspace(0, 1, 100, dtype=torch.float64).expand(3, 100))
    assert lab[1:].abs().max() < 1e-7
    assert (lab[0].diff() > 0).all()


# --- keep_colours -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_lightness_is_the_paintings_and_hue_the_contents(size: tuple[int, int]) -> None:
    painted, content = picture(*size), picture(*size, seed=1)
    result = keep_colours(painted, content)
    assert result.shape == painted.shape
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    L, a, b = to_oklab(colours(result))
    torch.testing.assert_close(L, to_oklab(colours(painted))[0], rtol=0, atol=1e-5)
    _, wanted_a, wanted_b = to_oklab(colours(content))
    turned = torch.atan2(a * wanted_b - b * wanted_a, a * wanted_a + b * wanted_b)
    chroma, wanted = torch.hypot(a, b), torch.hypot(wanted_a, wanted_b)
    assert turned[chroma > 1e-3].abs().max() < 1e-3
    assert (chroma <= wanted + 1e-6).all()


def test_chroma_is_the_contents_where_srgb_has_it_and_else_all_there_is() -> None:
    painted, content = picture(30, 30), picture(30, 30, seed=1)
    result = colours(keep_colours(painted, content))
    got, wanted = to_oklab(result), to_oklab(colours(content))
    reduced = torch.hypot(got[1], got[2]) < torch.hypot(wanted[1], wanted[2]) - 1e-5
    assert 0.2 < reduced.double().mean() < 0.9, "the example must have both kinds"
    torch.testing.assert_close(got[1:, ~reduced], wanted[1:, ~reduced], rtol=0, atol=1e-5)
    # A little more chroma than what was found leaves sRGB, which the clamp in from_oklab shows.
    more = got[:, reduced] * torch.tensor([1, 1, 1], dtype=torch.float64)[:, None]
    more[1:] += wanted[1:, reduced] * 2 / 2**12
    assert ((to_oklab(from_oklab(more)) - more).abs().amax(0) > 1e-6).all()


def test_grey_content_makes_a_grey_painting_and_grey_strokes_keep_colours() -> None:
    painted = painting(20, 30)
    result = keep_colours(painted, grey(20, 30, 1))
    torch.testing.assert_close(result, result.mean(1, keepdim=True).expand_as(result), rtol=0, atol=1e-5)
    dim = keep_colours(flat(20, 30, 0.5, 0.5, 0.5), 0.5 * painted + 0.25)
    lightness, a, b = to_oklab(colours(dim))
    torch.testing.assert_close(lightness, lightness[:1].expand_as(lightness), rtol=0, atol=1e-5)
    assert torch.hypot(a, b).std() > 0.005


ALONE = [picture(20, 30), grey(9, 9), flat(4, 4, 1, 0, 0), flat(3, 3, 0, 0, 0), 0.9 * grey(9, 9) + 1e-3 * picture(9, 9)]


@pytest.mark.parametrize("image", ALONE)
def test_equal_pictures_are_left_alone(image: Tensor) -> None:
    torch.testing.assert_close(keep_colours(image, image.clone()), image, rtol=0, atol=1e-6)
    torch.testing.assert_close(match_colours(image, image.clone()), image, rtol=0, atol=1e-6)


def test_black_and_white_strokes_stay() -> None:
    content = picture(6, 5)
    for value in (0.0, 1.0):
        strokes = flat(6, 5, value, value, value)
        torch.testing.assert_close(keep_colours(strokes, content), strokes, rtol=0, atol=1e-5)


def test_sizes_have_to_agree() -> None:
    with pytest.raises(PictureError, match="not 5 x 4 and 1 x 1"):
        keep_colours(picture(4, 5), picture(1, 1))


# --- match_colours ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(40, 31), (1, 400), (64, 64)])
def test_mean_and_covariance_become_the_contents(size: tuple[int, int]) -> None:
    style, content = painting(*size, seed=1), painting(33, 47, seed=2)
    result = match_colours(style, content)
    assert 0 < float(result.min()) < float(result.max()) < 1, "nothing may clamp in this example"
    mean, covariance = mean_and_covariance(result)
    wanted_mean, wanted_covariance = mean_and_covariance(content)
    assert np.abs(mean_and_covariance(style)[1] - wanted_covariance).max() > 1e-3, "the example must have work to do"
    np.testing.assert_allclose(mean, wanted_mean, rtol=0, atol=1e-7)
    np.testing.assert_allclose(covariance, wanted_covariance, rtol=0, atol=1e-6)


def test_the_map_is_the_transport_map() -> None:
    """Linear, symmetric and positive: the only one of those that match which moves colours least."""
    style, content = painting(40, 40, seed=1), painting(40, 40, seed=2)
    x, y = (colours(image) - colours(image).mean(1, keepdim=True) for image in (style, match_colours(style, content)))
    A = torch.linalg.lstsq(x.T, y.T).solution.T
    torch.testing.assert_close(A @ x, y, rtol=0, atol=1e-6)
    torch.testing.assert_close(A, A.T, rtol=0, atol=1e-5)
    assert torch.linalg.eigvalsh(A).min() > 0


def test_the_number_of_pixels_plays_no_part() -> None:
    """Mistake 41 of the survey: sums without their number make small pictures match less than large ones."""
    small, content = painting(8, 8, seed=1), painting(20, 20, seed=2)
    large = small.repeat(1, 1, 30, 30)
    torch.testing.assert_close(match_colours(large, content)[..., :8, :8], match_colours(small, content))
    torch.testing.assert_close(match_colours(small, content.repeat(1, 1, 9, 9)), match_colours(small, content))


DEGENERATE = {
    "one colour": flat(5, 6, 0.2, 0.5, 0.7),
    "black": flat(5, 6, 0, 0, 0),
    "white": flat(5, 6, 1, 1, 1),
    "grey": grey(5, 6),
    "one pixel": picture(1, 1, 3),
    "two pixels": picture(1, 2, 3),
    "two colours": torch.where(picture(9, 8)[:, :1] > 0.5, flat(9, 8, 1, 0, 0), flat(9, 8, 0, 0, 1)),
    "black and white": (grey(9, 8) > 0.5).float(),
    "any": painting(12, 13, seed=1),
}


@pytest.mark.parametrize("content", DEGENERATE)
@pytest.mark.parametrize("style", DEGENERATE)
def test_degenerate_pictures(style: str, content: str) -> None:
    result = match_colours(DEGENERATE[style], DEGENERATE[content])
    assert result.shape == DEGENERATE[style].shape
    assert torch.isfinite(result).all()
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    if style in ("one colour", "one pixel", "black", "white"):
        mean = mean_and_covariance(DEGENERATE[content])[0]
        np.testing.assert_allclose(colours(result), mean[:, None].repeat(colours(result).shape[1], 1), atol=1e-6)


def test_flat_content_leaves_less_than_a_level() -> None:
    result = match_colours(painting(30, 30), flat(5, 6, 0.2, 0.5, 0.7))
    assert (result - flat(30, 30, 0.2, 0.5, 0.7)).abs().max() < 1 / 255


def test_a_grey_style_is_tinted_and_keeps_its_shapes() -> None:
    style, content = 0.5 * grey(30, 40) + 0.25, painting(30, 30, seed=1)
    result = match_colours(style, content)
    x = colours(style)[0] - colours(style)[0].mean()
    y = colours(result) - colours(result).mean(1, keepdim=True)
    torch.testing.assert_close(y, (y @ x / (x @ x))[:, None] * x, rtol=0, atol=1e-5)
    assert mean_and_covariance(result)[1].trace() > 0.5 * mean_and_covariance(content)[1].trace()


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [keep_colours, match_colours])
def test_memory_format_and_chunks_play_no_part_and_inputs_stay(
    function: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = picture(40, 31), picture(40, 31, seed=1)
    copies = first.clone(), second.clone()
    whole = function(first, second)
    assert whole.dtype == torch.float32
    last = [image.to(memory_format=torch.channels_last) for image in (first, second)]
    torch.testing.assert_close(function(*last), whole, rtol=0, atol=1e-6)
    monkeypatch.setattr(colour, "_CHUNK", 17)
    torch.testing.assert_close(function(first, second), whole, rtol=0, atol=1e-6)
    assert torch.equal(first, copies[0])
    assert torch.equal(second, copies[1])


MEMORY = """
import resource, sys
import numpy as np
from impasto.colour import keep_colours, match_colours
random = np.random.default_rng(0)
small, big = (random.random((1, 3, *size), np.float32) for size in ((600, 600), (4000, 3000)))
keep_colours(small, np.flip(small, 3)), match_colours(small, small * 0.5)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
other = np.ascontiguousarray(np.flip(big, 3))
result = keep_colours(big, other)
del result
match_colours(big, other)
print((peak() - before) / big.nbytes)
"""


@pytest.mark.slow
def test_a_big_picture_costs_its_copies_and_little_more() -> None:
    pytest.importorskip("resource", reason="no peak memory on this system")
    run = subprocess.run([sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True)
    assert float(run.stdout) < 3, "the flipped picture, the result, and what a chunk takes"


# --- how far colours reach --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shares", [[1.0], [0.25, 0.75]])
def test_the_scale_of_colours_is_the_root_of_their_covariance(shares: list[float]) -> None:
    pictures = [painting(40, 31), painting(20, 7, seed=1)][: len(shares)]
    scale = colour_scale(pictures, shares)
    covariance = sum(share * torch.cov(colours(one), correction=0) for share, one in zip(shares, pictures, strict=True))
    torch.testing.assert_close(scale @ scale, covariance * 3 / covariance.trace(), rtol=1e-6, atol=1e-9)


def test_a_hidden_colour_does_not_count() -> None:
    shown, hidden = painting(40, 31), painting(40, 31, seed=1) * 0.2
    opacity = torch.cat([torch.full((1, 1, 40, 31), share, dtype=shown.dtype) for share in (0.5, 0.0)], 3)
    both = torch.cat([torch.cat([shown, hidden], 3), opacity], 1)
    torch.testing.assert_close(colour_scale([both], [1.0]), colour_scale([shown], [1.0]))


def test_no_colour_is_out_of_reach() -> None:
    strict = colour_scale([grey(20, 20)], [1.0])
    assert 0.01 < float(torch.linalg.eigvalsh(strict)[0]) < 0.1
    torch.testing.assert_close(colour_scale([flat(5, 5, 0.2, 0.5, 0.7)], [1.0]), torch.eye(3, dtype=torch.float64))
