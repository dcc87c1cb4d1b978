"""How one painting is made: masses in the painting's colours, strokes, octaves; with networks that learned nothing."""

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto import image
from impasto.encoders.network import LAYERS as ENCODED
from impasto.encoders.network import Encoder, EncoderConfig
from impasto.methods.adain.network import LAYERS, Decoder, DecoderConfig
from impasto.methods.adain.painter import STROKE, Networks, Painter, octaves, statistics
from impasto.methods.adain.preparation import colours
from impasto.methods.adain.style import Style

EXACT = 1 / 255
WIDTHS = (4, 6, 8, 10)


def picture(height: int, width: int, seed: int, count: int = 1) -> Tensor:
    """Smooth shapes with some grain, as a photograph has."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return (smooth + 0.03 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)


@pytest.fixture(scope="module")
def networks() -> Networks:
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
    return Networks(encoder.eval().requires_grad_(False), decoder.eval().requires_grad_(False))


def style_of(networks: Networks, painting: Tensor) -> Style:
    return Style(statistics(networks.encoder(painting, LAYERS), None), colours(painting), "")


@pytest.fixture(scope="module")
def painter(networks: Networks) -> Painter:
    return Painter(networks=networks, style=style_of(networks, picture(60, 50, 1) ** 2))


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
    photo = image.resize(picture(40, 60, 0), round(48 * ratio), round(72 * ratio))
    one, large = (replace(painter, stroke=stroke(48, 1.0)), replace(painter, stroke=stroke(round(48 * ratio), ratio)))
    small = image.resize(photo, 48, 72)
    expected, found = one(small).clamp(0, 1), large(photo).clamp(0, 1)
    assert found.shape == photo.shape
    difference = (image.resize(found, 48, 72) - expected).abs().mean()
    assert float(difference) < 0.15 * float((expected - small).abs().mean())
    # And not the small one enlarged.
    assert float((found - image.resize(expected, *photo.shape[-2:])).abs().mean()) > 0.004


# --- what each control does ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("detail", [0.0, 0.6, 1.0])
def test_no_strength_is_the_photo(painter: Painter, ratio: float, detail: float) -> None:
    photo = picture(90, 110, 0)
    painted = replace(painter, strength=0.0, detail=detail, stroke=stroke(90, ratio))(photo)
    torch.testing.assert_close(painted, photo, atol=EXACT, rtol=0)
    assert float((replace(painter, detail=detail, stroke=stroke(90, ratio))(photo) - photo).abs().mean()) > 0.05


def test_strength_leads_away_from_the_photo(painter: Painter) -> None:
    photo = picture(90, 110, 0)
    for ratio in (1.0, 2.0):
        distances = [
            float((replace(painter, strength=s, detail=0.5, stroke=stroke(90, ratio))(photo) - photo).abs().mean())
            for s in (0.0, 0.3, 0.6, 1.0)
        ]
        assert distances == sorted(distances)


def test_detail_and_stroke_change_the_painting(painter: Painter) -> None:
    photo = picture(200, 220, 0)
    for name, values in (("detail", (0.0, 0.5, 1.0)), ("stroke", (0.01, 0.1, 0.2))):
        results = [replace(painter, **{name: value})(photo) for value in values]
        for one, other in ((0, 1), (1, 2), (0, 2)):
            assert float((results[one] - results[other]).abs().max()) > EXACT, name


def test_less_detail_is_fewer_things(painter: Painter) -> None:
    """What the network is shown, that is; what it makes of it has been learned."""
    photo = picture(256, 256, 0)
    own = [colours(photo)]
    grain = []
    for detail in (0.0, 0.5, 1.0):
        some = replace(painter, detail=detail)
        shown = some._prepared(photo, 2.0 * (1 - some._kept), own)
        grain.append(float((shown[..., 1:] - shown[..., :-1]).abs().mean()))
        assert painter.style is not None
        for found, expected in zip(colours(shown), painter.style.colours, strict=True):
            torch.testing.assert_close(found, expected, atol=0.03, rtol=0)
    assert grain == sorted(grain)
    assert grain[0] < 0.7 * grain[2]


def test_pictures_are_painted_together_as_alone(painter: Painter) -> None:
    photos = picture(70, 90, 0, count=3)
    for choices in ({}, {"detail": 0.3}, {"detail": 0.3, "strength": 0.5}, {"stroke": stroke(70, 2.0)}):
        some = replace(painter, **choices)  # type: ignore[arg-type]
        alone = torch.cat([some(photo[None]) for photo in photos])
        torch.testing.assert_close(some(photos), alone, atol=1e-4, rtol=0)


# --- regions and opacity ---------------------------------------------------------------------------------------------


def regional(painter: Painter, regions: list[Tensor], **choices: Any) -> Painter:
    styles = [painter.style, style_of(painter.networks, 1 - 0.5 * picture(40, 40, 7))]
    pairs = list(zip(styles, regions, strict=False))
    return replace(painter, style=None, regions=pairs, **choices)  # type: ignore[arg-type]


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_outside_of_all_regions_the_photo_is_untouched(painter: Painter, ratio: float) -> None:
    photo, region = picture(64, 800, 0), torch.zeros(1, 1, 64, 800)
    region[..., :200] = 1
    for strength in (0.5, 1.0, 1.5):
        some = regional(painter, [region], detail=0.4, stroke=stroke(64, ratio), strength=strength)
        painted = some(photo)
        torch.testing.assert_close(painted[..., 500:], photo[..., 500:], atol=EXACT, rtol=0)
        assert float((painted - photo)[..., :150].abs().mean()) > 0.05


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_a_region_of_everything_is_no_region(painter: Painter, ratio: float) -> None:
    photo, everywhere = picture(64, 80, 0), torch.ones(1, 1, 64, 80)
    choices = {"detail": 0.4, "stroke": stroke(64, ratio)}
    expected = replace(painter, **choices)(photo)  # type: ignore[arg-type]
    torch.testing.assert_close(regional(painter, [everywhere], **choices)(photo), expected, atol=1e-3, rtol=0)
    nowhere = torch.zeros_like(everywhere)
    torch.testing.assert_close(regional(painter, [nowhere], **choices)(photo), photo, atol=EXACT, rtol=0)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_more_than_full_strength_counts_in_regions_of_any_size(painter: Painter, ratio: float) -> None:
    photo, everywhere = picture(64, 80, 0), torch.ones(1, 1, 64, 80)
    full, more = (regional(painter, [everywhere], stroke=stroke(64, ratio), strength=s)(photo) for s in (1.0, 1.6))
    assert float((more - full).abs().mean()) > 0.001


def test_every_region_has_its_style(painter: Painter) -> None:
    photo, left = picture(64, 800, 0), torch.zeros(1, 1, 64, 800)
    left[..., :400] = 1
    both = regional(painter, [left, 1 - left])
    first, second = (replace(both, regions=(), style=style)(photo) for style, _ in both.regions)
    painted = both(photo)
    for place, near, far in ((slice(0, 200), first, second), (slice(600, 800), second, first)):
        towards = float((painted - near)[..., place].abs().mean())
        assert towards < 0.6 * float((painted - far)[..., place].abs().mean())


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("in_regions", [True, False])
def test_what_is_hidden_counts_for_nothing(painter: Painter, ratio: float, in_regions: bool) -> None:
    photo, opacity = picture(64, 800, 0), torch.ones(1, 1, 64, 800)
    opacity[..., :250] = 0
    other = photo.clone()
    other[..., :250] = 1 - other[..., :250] ** 2
    some = regional(painter, [torch.full((1, 1, 64, 800), 0.8)]) if in_regions else painter
    for strength in (0.5, 1.0):
        some = replace(some, detail=0.4, strength=strength, stroke=stroke(64, ratio))
        seen, unseen = (replace(some, opacity=shares)(photo) for shares in (None, opacity))
        hidden = replace(some, opacity=opacity)(other)
        # Only what is beside what is hidden has seen it.
        assert float((hidden - unseen)[..., 550:].abs().mean()) < 0.05 * float((seen - unseen)[..., 550:].abs().mean())
