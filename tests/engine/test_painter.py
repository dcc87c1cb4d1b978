"""How one painting is made: masses in the painting's colours, strokes, octaves, tiles; with networks that learned
nothing."""

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from impasto.encoders.network import LAYERS as ENCODED
from impasto.encoders.network import Encoder, EncoderConfig
from impasto.engine.architecture import DecoderConfig
from impasto.engine.backend import Backend
from impasto.engine.painter import Painter
from impasto.engine.preparation import STROKE, colours, masses, octaves, smooth
from impasto.engine.raster import Held, Window, resized
from impasto.engine.statistics import Array
from impasto.engine.strokes import HALO, LONG, SHORT, SMALL, contrast_of
from impasto.engine.styles import Style
from impasto.methods.adain.backend import PyTorch
from impasto.methods.adain.network import Decoder

EXACT = 1 / 255
WIDTHS = (4, 6, 8, 10)


def picture(height: int, width: int, seed: int, count: int = 1) -> Array:
    """Smooth shapes with some grain, as a photograph has."""
    rng = np.random.default_rng(seed)
    smooth = resized(rng.random((count, 3, 6, 6), dtype=np.float32), height, width)
    return (smooth + 0.03 * rng.standard_normal(smooth.shape, dtype=np.float32)).clip(0, 1)


@pytest.fixture(scope="module")
def networks() -> Backend:
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(widths=(*WIDTHS, 10), padding="reflect"))
    for layer in ENCODED:
        nn.init.constant_(encoder.convolution(layer).bias, 0.3)
    decoder = Decoder(
        DecoderConfig(
            widths=WIDTHS, depths=(2, 2, 2, 2), joined=True, hidden=6, gain=4.0, grounds=(4, 3, 2), detailed=True,
            upsampling="bilinear",
        )
    )  # fmt: skip
    assert decoder.conditioning is not None
    nn.init.normal_(decoder.conditioning.first.weight, std=0.2)
    nn.init.normal_(decoder.conditioning.second.weight, std=0.08)
    nn.init.normal_(decoder.convolutions["conv1_1"].weight, std=0.1)  # type: ignore[arg-type]
    return PyTorch(encoder.eval().requires_grad_(False), decoder.eval().requires_grad_(False))


def style_of(networks: Backend, painting: Array) -> Style:
    moments = networks.encode(painting)
    return Style({layer: value.statistics for layer, value in moments.items()}, colours([(painting, None)]), "")


@pytest.fixture(scope="module")
def painter(networks: Backend) -> Painter:
    return Painter(backend=networks, style=style_of(networks, picture(60, 50, 1) ** 2))


def distance(one: Array, other: Array) -> float:
    return float(np.abs(one - other).mean())


def stroke(side: int, ratio: float) -> float:
    """With which a picture of this shorter side has `ratio` times the pixels that strokes need."""
    return ratio * STROKE / side


# --- octaves ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [0.004, 0.01, 0.03])
def test_octaves_lead_to_the_pictures_own_size_at_half_a_pass_more(wanted: float) -> None:
    for side in range(500, 12_001, 7):
        sizes = octaves(side, round(1.4 * side), wanted)
        assert sizes[-1] == (side, round(1.4 * side))
        pixels = [height * width for height, width in sizes]
        assert pixels == sorted(set(pixels))
        assert sum(pixels) <= 1.502 * pixels[-1]  # sides are whole numbers
        # Strokes of the wanted share, as far as there are pixels for them; then about twice as large each time.
        assert min(sizes[0]) * wanted < STROKE * math.sqrt(2) * 1.01
        if len(sizes) > 1:
            assert min(sizes[0]) == pytest.approx(STROKE / wanted, abs=1)
        for smaller, larger in itertools.pairwise(sizes):
            assert 1.4 < min(larger) / min(smaller) < 2.9


def test_a_picture_of_a_pixel_and_a_strip_have_octaves() -> None:
    assert octaves(1, 1, 0.1) == [(1, 1)]
    assert octaves(4000, 1, 0.1) == [(4000, 1)]
    assert all(min(size) >= 1 for size in octaves(100_000, 200, 0.1))


@pytest.mark.parametrize("ratio", [2.0, 4.5])
def test_a_large_painting_is_the_small_one_with_finer_strokes(painter: Painter, ratio: float) -> None:
    photo = resized(picture(40, 60, 0), round(48 * ratio), round(72 * ratio))
    one, large = (replace(painter, stroke=stroke(48, 1.0)), replace(painter, stroke=stroke(round(48 * ratio), ratio)))
    small = resized(photo, 48, 72)
    expected, found = one(small).clip(0, 1), large(photo).clip(0, 1)
    assert found.shape == photo.shape
    assert distance(resized(found, 48, 72), expected) < 0.15 * distance(expected, small)
    # And not the small one enlarged.
    assert distance(found, resized(expected, *photo.shape[-2:])) > 0.004


# --- what each control does ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("detail", [0.0, 0.6, 1.0])
def test_no_strength_is_the_photo(painter: Painter, ratio: float, detail: float) -> None:
    photo = picture(90, 110, 0)
    painted = replace(painter, strength=0.0, detail=detail, stroke=stroke(90, ratio))(photo)
    np.testing.assert_allclose(painted, photo, atol=EXACT, rtol=0)
    assert distance(replace(painter, detail=detail, stroke=stroke(90, ratio))(photo), photo) > 0.05


def test_less_detail_is_fewer_things(painter: Painter) -> None:
    """What the network is shown, that is; what it makes of it has been learned."""
    photo = picture(256, 256, 0)
    own = [colours([(photo, None)])]
    grain = []
    for detail in (0.0, 0.5, 1.0):
        some = replace(painter, detail=detail)
        plain = masses(Held(photo), *smooth(Held(photo), 2.0 * (1 - some._kept))) if detail < 1 else Held(photo)
        shown = some._prepared(plain, Held(photo), own).window(Window(0, 0, 256, 256))
        grain.append(distance(shown[..., 1:], shown[..., :-1]))
        assert painter.style is not None
        for found, expected in zip(colours([(shown, None)]), painter.style.colours, strict=True):
            np.testing.assert_allclose(found, expected, atol=0.03, rtol=0)
    assert grain == sorted(grain)
    assert grain[0] < 0.7 * grain[2]


def test_pictures_are_painted_together_as_alone(painter: Painter) -> None:
    photos = picture(70, 90, 0, count=3)
    for choices in ({}, {"detail": 0.3}, {"detail": 0.3, "strength": 0.5}, {"stroke": stroke(70, 2.0)}):
        some = replace(painter, **choices)  # type: ignore[arg-type]
        alone = np.concatenate([some(photo[None]) for photo in photos])
        np.testing.assert_allclose(some(photos), alone, atol=5e-4, rtol=0)


# --- strokes drawn out -----------------------------------------------------------------------------------------------


# Strokes in a picture whose shorter side is 64 pixels.
SMALLER = (64 / SMALL) ** 0.5


class Drawing:
    """A backend that remembers how strokes were to be drawn out, and answers with black."""

    def __init__(self, networks: Backend) -> None:
        self.networks = networks
        self.asked: list[tuple[Array, Array, Array]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.networks, name)

    def draw(self, painted: Array, over: Array, reach: Array, share: Array, contrast: Array) -> Array:
        self.asked.append((reach, share, contrast))
        return np.zeros_like(painted)


@pytest.mark.parametrize(("length", "reach"), [(0.0, SHORT), (0.5, (SHORT + LONG) / 2), (1.0, LONG)])
@pytest.mark.parametrize(("detail", "strength", "share"), [(0.5, 1.0, 1.0), (0.95, 1.0, 0.5), (0.9, 0.3, 0.3)])
def test_strokes_are_drawn_out_as_the_paintings_are_and_as_detail_is_left_out(
    painter: Painter, length: float, reach: float, detail: float, strength: float, share: float
) -> None:
    backend, style = Drawing(painter.backend), replace(painter.style, length=length)
    some = replace(painter, backend=backend, style=style, detail=detail, strength=strength)
    assert not some(picture(64, 80, 0)).any(), "what was drawn is the painting"
    ((found, part, contrast),) = backend.asked
    assert found.item() == pytest.approx(share * reach * SMALLER)
    assert part.item() == pytest.approx(share)
    assert contrast.item() == pytest.approx(contrast_of(style.colours[1]))


@pytest.mark.parametrize(
    "choices", [{"detail": 1.0}, {"detail": 0.5, "strength": 0.0}, {"detail": 0.5, "drawing": 0.0}]
)
def test_strokes_stay_as_they_are_where_no_detail_is_left_out(painter: Painter, choices: dict[str, float]) -> None:
    backend = Drawing(painter.backend)
    assert replace(painter, backend=backend, **choices)(picture(64, 80, 0)).any()  # type: ignore[arg-type]
    assert backend.asked == []


def test_strokes_of_every_octave_and_of_every_region_are_drawn_out(painter: Painter) -> None:
    backend = Drawing(painter.backend)
    replace(painter, backend=backend, detail=0.5, stroke=stroke(64, 4.0))(picture(64, 80, 0))
    assert len(backend.asked) == len(octaves(64, 80, stroke(64, 4.0))) > 1
    backend.asked.clear()
    left = np.zeros((1, 1, 64, 80), np.float32)
    left[..., :30] = 1
    brighter = painter.style.colours[0], 4 * painter.style.colours[1]
    styles = [replace(painter.style, length=0.0), replace(painter.style, length=1.0, colours=brighter)]
    regions = [(styles[0], Held(left)), (styles[1], Held(0.5 - 0.5 * left))]
    replace(painter, backend=backend, style=None, regions=regions, detail=0.5)(picture(64, 80, 0))
    ((reach, share, contrast),) = backend.asked
    np.testing.assert_allclose(reach[0, 0, 0, [0, 79]], np.array([SHORT, 0.5 * LONG]) * SMALLER)
    assert contrast.item() == pytest.approx(1.5 * contrast_of(painter.style.colours[1]))
    np.testing.assert_allclose(share[0, 0, 0, [0, 79]], [1, 0.5])


# --- regions and opacity ---------------------------------------------------------------------------------------------


def regional(painter: Painter, regions: list[Array], **choices: Any) -> Painter:
    styles = [painter.style, style_of(painter.backend, 1 - 0.5 * picture(40, 40, 7))]
    pairs = [(style, Held(region)) for style, region in zip(styles, regions, strict=False)]
    return replace(painter, style=None, regions=pairs, **choices)  # type: ignore[arg-type]


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_outside_of_all_regions_the_photo_is_untouched(painter: Painter, ratio: float) -> None:
    photo, region = picture(64, 800, 0), np.zeros((1, 1, 64, 800), np.float32)
    region[..., :200] = 1
    for strength in (0.5, 1.0, 1.5):
        some = regional(painter, [region], detail=0.4, stroke=stroke(64, ratio), strength=strength)
        painted = some(photo)
        np.testing.assert_allclose(painted[..., 500:], photo[..., 500:], atol=EXACT, rtol=0)
        assert distance(painted[..., :150], photo[..., :150]) > 0.05


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_a_region_of_everything_is_no_region(painter: Painter, ratio: float) -> None:
    photo, everywhere = picture(64, 80, 0), np.ones((1, 1, 64, 80), np.float32)
    choices = {"detail": 0.4, "stroke": stroke(64, ratio)}
    expected = replace(painter, **choices)(photo)  # type: ignore[arg-type]
    np.testing.assert_allclose(regional(painter, [everywhere], **choices)(photo), expected, atol=1e-3, rtol=0)
    nowhere = np.zeros_like(everywhere)
    np.testing.assert_allclose(regional(painter, [nowhere], **choices)(photo), photo, atol=EXACT, rtol=0)
    # One that is nearly nowhere has no statistics of its own, and does no harm.
    nowhere[..., 0, 0] = 1
    assert np.isfinite(regional(painter, [nowhere], **choices)(photo)).all()


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_more_than_full_strength_counts_in_regions_of_any_size(painter: Painter, ratio: float) -> None:
    photo, everywhere = picture(64, 80, 0), np.ones((1, 1, 64, 80), np.float32)
    full, more = (regional(painter, [everywhere], stroke=stroke(64, ratio), strength=s)(photo) for s in (1.0, 1.6))
    assert distance(more, full) > 0.001


def test_every_region_has_its_style(painter: Painter) -> None:
    photo, left = picture(64, 800, 0), np.zeros((1, 1, 64, 800), np.float32)
    left[..., :400] = 1
    both = regional(painter, [left, 1 - left])
    first, second = (replace(both, regions=(), style=style)(photo) for style, _ in both.regions)
    painted = both(photo)
    for place, near, far in ((slice(0, 200), first, second), (slice(600, 800), second, first)):
        towards, away = (distance(painted[..., place], one[..., place]) for one in (near, far))
        assert towards < 0.6 * away


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("in_regions", [True, False])
def test_what_is_hidden_counts_for_nothing(painter: Painter, ratio: float, in_regions: bool) -> None:
    photo, opacity = picture(64, 800, 0), np.ones((1, 1, 64, 800), np.float32)
    opacity[..., :250] = 0
    other = photo.copy()
    other[..., :250] = 1 - other[..., :250] ** 2
    some = regional(painter, [np.full((1, 1, 64, 800), 0.8, np.float32)]) if in_regions else painter
    for strength in (0.5, 1.0):
        some = replace(some, detail=0.4, strength=strength, stroke=stroke(64, ratio))
        seen, unseen = (replace(some, opacity=shares)(photo) for shares in (None, Held(opacity)))
        hidden = replace(some, opacity=Held(opacity))(other)
        # Only what is beside what is hidden has seen it.
        hidden, unseen, seen = (one[..., 550:] for one in (hidden, unseen, seen))
        assert distance(hidden, unseen) < 0.05 * distance(seen, unseen)


# --- tiles -----------------------------------------------------------------------------------------------------------


WAYS = {
    "plainly": {},
    "abstract": {"detail": 0.0},
    "octaves": {"stroke": stroke(381, 2.5), "detail": 0.5},
    "little": {"strength": 0.6, "detail": 0.5},
    "exaggerated": {"strength": 1.5, "stroke": stroke(381, 2.0)},
}


@pytest.mark.parametrize(
    ("way", "shares"),
    [("plainly", "everywhere"), ("abstract", "regions"), ("octaves", "opacity"), ("octaves", "regions"),
     ("little", "regions"), ("exaggerated", "opacity")],
)  # fmt: skip
def test_tiles_are_the_whole(painter: Painter, way: str, shares: str) -> None:
    photo, soft = picture(381, 425, 0), picture(381, 425, 3)[:, :1]
    some = replace(painter, **WAYS[way])
    if shares == "regions":
        some = regional(some, [soft, (1 - soft) * picture(381, 425, 4)[:, :1]], opacity=Held(soft.round()))
    elif shares == "opacity":
        some = replace(some, opacity=Held(soft.round()))
    whole = some(photo)
    tiled = replace(some, side=2 * (some.backend.config.halo + HALO) + 40)(photo)
    np.testing.assert_allclose(tiled.clip(0, 1), whole.clip(0, 1), atol=EXACT / 2)


def test_tiles_come_in_order_and_without_gaps(painter: Painter) -> None:
    places = [place for place, _ in replace(painter, side=312).parts(Held(picture(400, 330, 0)))]
    assert places == sorted(places, key=lambda place: (place.top, place.left))
    assert len(places) == 4
    assert sum(place.size[0] * place.size[1] for place in places) == 400 * 330


def test_pictures_of_16_bits(painter: Painter) -> None:
    photo = picture(40, 30, 0)
    levels = (photo * 65535).round().astype(np.uint16)
    np.testing.assert_allclose(painter(levels), painter(photo), atol=1e-3)
