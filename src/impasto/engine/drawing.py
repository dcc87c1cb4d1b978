"""Strokes drawn out, as `engine.strokes` says: once, for tensors and for the graph that runtimes compute."""

from typing import Any, Protocol

from impasto.colour import LUMA
from impasto.engine.strokes import (
    BUSY,
    CALM,
    CALM_DEVIATION,
    CLOSE_DEVIATION,
    CONTOUR_DEVIATION,
    EDGE,
    FAINT,
    FALL,
    FINEST_DEVIATION,
    FLOW_DEVIATION,
    LONGER,
    NEAR,
    PLAIN,
    PLAIN_CLOSE,
    SLIGHT,
    SOFT,
    SWEEP,
    UNDECIDED,
    UNDIRECTED,
    WIDE_DEVIATION,
)

Planes = Any
"""(N, C, H, W) of a kind that `Operations` knows, with arithmetic: by numbers, and by planes of as many channels or of
one."""

# Keeps a direction of no length from being divided by 0.
LEAST_LENGTH = 1e-12


class Operations(Protocol):
    """What planes of one kind can do beside arithmetic."""

    def channels(self, x: Planes) -> list[Planes]:
        """Of a picture, each by itself."""

    def joined(self, planes: list[Planes]) -> Planes:
        """The channels of all."""

    def sqrt(self, x: Planes) -> Planes: ...

    def lower(self, x: Planes, *others: Planes | float) -> Planes:
        """The lowest, pixel by pixel."""

    def higher(self, x: Planes, *others: Planes | float) -> Planes: ...

    def signed(self, x: Planes, sign: Planes) -> Planes:
        """-x where the sign is negative."""

    def mean(self, x: Planes) -> Planes:
        """Of all channels and pixels, (N, 1, 1, 1)."""

    def mean_channel(self, x: Planes) -> Planes: ...

    def slopes(self, x: Planes) -> tuple[Planes, Planes]:
        """To the right and down, by Scharr's filter; borders are mirrored. x: of one channel."""

    def halved(self, x: Planes) -> Planes:
        """Means of 2 x 2 pixels; at an odd end of fewer."""

    def enlarged(self, x: Planes, like: Planes, times: int = 2) -> Planes:
        """So many times as high and wide, or some lines less; between the pixels linearly."""

    def blurred(self, x: Planes, deviation: float) -> Planes:
        """By a Gaussian; border pixels go on beyond the border."""

    def direction(self, right: Planes, down: Planes) -> Any:
        """From every pixel, in pixels; of one channel each."""

    def step(self, direction: Any, length: Planes) -> Any:
        """So many times as far."""

    def sampled(self, x: Planes, step: Any, times: float) -> Planes:
        """x, so many steps away, between its pixels."""


def drawn(of: Operations, painted: Planes, over: Planes, reach: Planes, share: Planes, contrast: Planes) -> Planes:
    """painted, over: (N, 3, H, W). reach, in pixels, and share, how far what is done to plain places is done: (N or 1,
    1, H or 1, W or 1). contrast: of `over`, (1, 1, 1, 1)."""
    halved = [of.halved(channel) for channel in of.channels(over)]
    light = _brightness(halved) / contrast
    plain, plain_close = _plain(of, light, CALM_DEVIATION, PLAIN), _plain(of, light, CLOSE_DEVIATION, PLAIN_CLOSE)
    below = []
    for channel in halved:
        masses, close = (of.blurred(channel, deviation) for deviation in (CALM_DEVIATION, CLOSE_DEVIATION))
        below.append(of.enlarged(close + plain * (masses - close), over))
    calm = share * CALM * of.enlarged(plain + (1.0 - plain) * plain_close, over)
    x = painted + calm * (of.joined(below) - painted)
    flow, certainty = _flow(of, light)
    swept = plain * (certainty / (certainty + UNDECIDED))
    edges, clear, stretch = _edges(of, light)
    along, across = _directions(of, _contours(of, x, light, [(edges, clear), (flow, swept)]))
    swept, short = of.enlarged(swept, over), of.enlarged((1.0 - swept) * stretch, over)
    faint = contrast * ((1.0 - swept * (1 - SOFT)) * FAINT)
    to_the_side = of.step(across, reach * (swept + short))
    for sweep, near in zip(SWEEP, NEAR, strict=True):
        x = _smoothed(of, x, of.step(along, swept * share * sweep + short * reach * near))
        if near:
            x = _sharpened(of, x, to_the_side, faint * faint)
    return x


def change(of: Operations, painting: Planes, redrawn: Planes) -> Planes:
    """Of the finest of a painting: the mean squared difference over the mean square, (N, 1, 1, 1)."""
    before, after = (_finest(of, x) for x in (painting, redrawn))
    difference = after - before
    return of.mean(difference * difference) / (of.mean(before * before) + 1e-12)


def _smoothed(of: Operations, x: Planes, step: Any) -> Planes:
    """Each pixel a weighted mean of its neighbours, one step and two away."""
    first, second = FALL
    near, far = (of.sampled(x, step, times) + of.sampled(x, step, -times) for times in (1, 2))
    return (x + near * first + far * second) * (1 / (1 + 2 * first + 2 * second))


def _sharpened(of: Operations, x: Planes, step: Any, faint: Planes) -> Planes:
    """Each pixel further from the mean of its neighbours, a step away, but within them. faint: the square of the
    difference at which it is by half."""
    left, right = of.sampled(x, step, 1), of.sampled(x, step, -1)
    lowest, highest = of.lower(x, left, right), of.higher(x, left, right)
    difference = of.mean_channel(highest - lowest)
    difference = difference * difference
    x = x + difference / (difference + faint) * (x - (left + right) * 0.5)
    return of.lower(of.higher(x, lowest), highest)


def _finest(of: Operations, x: Planes) -> Planes:
    light = _brightness(of.channels(x))
    return light - of.blurred(light, FINEST_DEVIATION)


def _brightness(channels: list[Planes]) -> Planes:
    red, green, blue = (channel * share for channel, share in zip(channels, LUMA, strict=True))
    return red + green + blue


def _plain(of: Operations, light: Planes, deviation: float, limit: float) -> Planes:
    """How plain each place of the halved picture is, from 0 to 1. light: its brightness."""
    mean, square = of.blurred(light, deviation), of.blurred(light * light, deviation)
    share = of.lower(of.sqrt(of.higher(square - mean * mean, 0.0)) * (1 / limit), 1.0)
    return 1.0 - share * share * (3.0 - (share + share))


def _edges(of: Operations, light: Planes) -> tuple[list[Planes], Planes, Planes]:
    """Of the halved picture, whose brightness is light: cosine and sine of the doubled angle at its edges; how clear an
    edge of one direction there is, from 0 to 1; and how much longer strokes are there than their reach."""
    *doubled_angle, energy = (of.blurred(x, CONTOUR_DEVIATION) for x in _tensor(of, light))
    edge = _length(of, doubled_angle)
    least_change = of.higher(energy - edge, 0.0)
    clear = edge / (edge + EDGE**2)
    stretch = (clear * LONGER + 1.0) / (least_change * (0.5 / BUSY**2) + 1.0)
    return [x / (edge + UNDIRECTED) for x in doubled_angle], clear, stretch


def _flow(of: Operations, light: Planes) -> tuple[list[Planes], Planes]:
    """Cosine and sine of the doubled angle that wide surroundings have, and how far these agree, from 0 to 1. light:
    the halved picture's brightness."""
    *doubled_angle, energy = _tensor(of, of.halved(of.halved(light)))
    slope = of.sqrt(energy + SLIGHT**2)
    around = of.blurred(slope, FLOW_DEVIATION)
    flow = [of.enlarged(of.blurred(x / slope, FLOW_DEVIATION) / around, light, 4) for x in doubled_angle]
    certainty = _length(of, flow)
    return [x / (certainty + UNDIRECTED) for x in flow], certainty


def _contours(of: Operations, x: Planes, half: Planes, others: list[tuple[list[Planes], Planes]]) -> list[Planes]:
    """Cosine and sine of the doubled angle of the contour that every pixel is on, of a length of 1, less where there is
    none. half: of half the size. others: doubled angles that take the place of the painting's own, and their shares."""
    tensor = _tensor(of, of.halved(_brightness(of.channels(x))))
    *near, energy = (of.blurred(y, CONTOUR_DEVIATION) for y in tensor)
    *wide, wide_energy = (of.blurred(of.halved(y), WIDE_DEVIATION) for y in tensor)
    anisotropy = _length(of, near)
    agreed = anisotropy / (energy + UNDIRECTED)
    agreed = agreed * agreed
    contours = []
    for part in (0, 1):
        around = of.enlarged(wide[part] / (wide_energy + UNDIRECTED), half)
        angle = near[part] * (agreed / (anisotropy + UNDIRECTED)) + around * (1.0 - agreed)
        for other, share in others:
            angle = angle + share * (other[part] - angle)
        contours.append(of.enlarged(angle, x))
    return contours


def _directions(of: Operations, doubled_angle: list[Planes]) -> tuple[Any, Any]:
    """From every pixel a pixel along the contour that it is on, and across; less where there is none."""
    agreement = _length(of, doubled_angle)
    share = agreement / (agreement + UNDECIDED)
    cosine = doubled_angle[0] / (agreement + LEAST_LENGTH)
    half_cosine, half_sine = (of.sqrt(of.higher(x, 0.0) * 0.5) * share for x in (1.0 + cosine, 1.0 - cosine))
    half_sine = of.signed(half_sine, doubled_angle[1])
    return of.direction(0.0 - half_sine, half_cosine), of.direction(half_cosine, half_sine)


def _tensor(of: Operations, light: Planes) -> tuple[Planes, Planes, Planes]:
    """Of structure: its doubled angle's cosine and sine, and the energy that these are multiplied by."""
    right, down = of.slopes(light)
    across, upright = right * right, down * down
    return across - upright, right * down * 2.0, across + upright


def _length(of: Operations, vector: list[Planes]) -> Planes:
    x, y = vector
    return of.sqrt(x * x + y * y)
