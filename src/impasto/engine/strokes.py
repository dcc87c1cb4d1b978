"""Strokes are drawn out along the contours that they are on, and sweep over plain places.

What a decoder paints has dabs of one size and saw-teeth at diagonals, and pebbles where a photograph is plain. Both
means against them are local, so that tiles fit together:

Where what was painted over is plain, a share of the painting gives way to that, blurred; beside shapes less is blurred,
so that nothing shines into it. What is left of the painting there is drawn out far, along the flow of wide
surroundings: that is how a sky is brushed.

Elsewhere strokes follow the edges of what was painted over; where there is none, the contours of the painting, whose
direction is that of the smoothed structure tensor (Kyprianidis and Kang 2011), where that is of no one direction that
of a wider neighbourhood. In rounds, every pixel becomes a weighted mean of its neighbours along the contour (line
integral convolution, as far as it is straight), and then differs up to twice as much from the mean of its two
neighbours across it, but by no more than these do. Strokes are short where what was painted over has edges in all
directions, so that eyes stay eyes, and long on edges of one direction.
"""

import math
from typing import Any, Protocol

import numpy as np

from impasto.colour import LUMA
from impasto.engine.statistics import Array

# Deviations of Gaussians are in pixels of the picture at half its size, but where they say otherwise. Brightness is in
# terms of a picture whose brightness deviates by this much: in one of less contrast, fainter lines count.
USUAL_DEVIATION, LEAST_CONTRAST = 0.18, 0.2

CONTOUR_DEVIATION = 1.6

# A place is plain where the brightness around it deviates by less than this; and so it is beside a shape, where that
# holds of its closest surroundings.
CALM_DEVIATION, PLAIN = 2.5, 0.05
CLOSE_DEVIATION, PLAIN_CLOSE = 1.0, 0.04

# Where the brightness of the halved picture changes from pixel to pixel by this much in the direction of its least
# change, strokes are half as long.
BUSY = 0.05

# Where what was painted over has an edge, strokes follow that, and are up to 1 + LONGER times as long; by half of that
# where its brightness changes by EDGE from pixel to pixel. A decoder's saw-teeth are as long as strokes, and have a
# direction of their own.
EDGE, LONGER = 0.04, 1.0

# In leaves and grass, contours run in all directions: the less the tensor agrees on one, the more counts that of a
# wider neighbourhood, whose Gaussian's deviation is in pixels of the picture at a quarter of its size.
WIDE_DEVIATION = 2.6

# Of the structure tensor: where it is not above this, contours have no direction, and strokes no length. Otherwise
# rounding would decide on a direction, and tiles differ. And how much both neighbourhoods have to agree, from 0 to 1.
UNDIRECTED, UNDECIDED = 1e-7, 0.1

# Weights of the first and second neighbours along the contour, beside 1 for the pixel itself.
FALL = (0.707, 0.249)

# Where the photo is plain, strokes sweep along the flow of its wide surroundings: the structure tensor of an eighth of
# its size, each pixel by its slope, above a SLIGHT one, with a Gaussian of this deviation in pixels of that.
FLOW_DEVIATION, SLIGHT = 2.0, 0.002

# Pixels to the next neighbour there, whatever the painting's strokes are, and how many times as far as the reach it is
# elsewhere, round by round: not twice the same, lest saw-teeth that are as far from one another stay.
SWEEP, NEAR = (12.0, 5.0, 2.0), (0.0, 1.0, 0.6)

# The contrast across a stroke at which it is sharpened by half: what is fainter stays soft.
FAINT = 0.06

# The share of that where strokes sweep.
SOFT = 0.3

# Pixels from a neighbour along the contour to the next, for strokes as short and as long as they can be; and what share
# of the painting gives way where it is plain.
SHORT, LONG, CALM = 1.0, 2.0, 0.4

# Below this shorter side strokes are shorter, by its root: small pictures have small faces, and saw-teeth all the same.
SMALL = 512

# The detail that is left out when strokes are drawn in full; less is left out where the photo is to show.
FULL = 0.1

# How far drawing out changes the finest of a painting whose own strokes are long, and of one that is made of dots.
OF_LONG, OF_SHORT = 0.37, 0.56
FINEST_DEVIATION = 2.0

# Pixels around a tile that its strokes depend on: blurs of smaller pictures, and three rounds of neighbours. What they
# reach beyond that, up to 120, changed no pixel of noise or of photos by a thirtieth of an 8-bit level.
HALO = 64

# Of the slope to the right; its transpose is that of the slope down.
SCHARR = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]], np.float32) / 32

# Keeps a direction of no length from being divided by 0.
LEAST_LENGTH = 1e-12

Planes = Any
"""(N, C, H, W) of a kind that `Operations` knows, with arithmetic: by numbers, and by planes of as many channels or of
one; with `sqrt()` and `mean(dimensions, keepdim=True)` as of tensors."""


def length_of(change: float) -> float:
    """How long a painting's strokes are, from 0 to 1. change: of its finest, by drawing it out: the mean squared
    difference over the mean square."""
    return min(1.0, max(0.0, (OF_SHORT - change) / (OF_SHORT - OF_LONG)))


def reach_of(length: float, side: int) -> float:
    """In pixels. side: the shorter one of the picture."""
    return (SHORT + (LONG - SHORT) * length) * math.sqrt(min(1.0, side / SMALL))


def contrast_of(covariance: Array) -> float:
    """Of a picture, in terms of the usual. covariance: of its colours, (1, 3, 3)."""
    variance = float(np.array(LUMA) @ covariance[0] @ np.array(LUMA))
    return max(LEAST_CONTRAST, math.sqrt(max(0.0, variance)) / USUAL_DEVIATION)


def gaussian(deviation: float) -> Array:
    """Weights of the pixels of a line, which sum up to 1."""
    places = np.arange(-math.ceil(3 * deviation), math.ceil(3 * deviation) + 1)
    weights = np.exp(-0.5 * (places / deviation) ** 2)
    return np.asarray(weights / weights.sum(), np.float32)


class Operations(Protocol):
    """What planes of one kind can do beside arithmetic."""

    def channels(self, x: Planes) -> list[Planes]:
        """Of a picture, each by itself."""

    def joined(self, planes: list[Planes]) -> Planes:
        """The channels of all."""

    def lower(self, x: Planes, *others: Planes | float) -> Planes:
        """The lowest, pixel by pixel."""

    def higher(self, x: Planes, *others: Planes | float) -> Planes: ...

    def signed(self, x: Planes, sign: Planes) -> Planes:
        """-x where the sign is negative."""

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
    changed, all_of_it = ((x * x).mean((1, 2, 3), keepdim=True) for x in (difference, before))
    return changed / (all_of_it + 1e-12)


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
    difference = (highest - lowest).mean((1,), keepdim=True)
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
    share = of.lower(of.higher(square - mean * mean, 0.0).sqrt() * (1 / limit), 1.0)
    return 1.0 - share * share * (3.0 - (share + share))


def _edges(of: Operations, light: Planes) -> tuple[list[Planes], Planes, Planes]:
    """Of the halved picture, whose brightness is light: cosine and sine of the doubled angle at its edges; how clear an
    edge of one direction there is, from 0 to 1; and how much longer strokes are there than their reach."""
    *doubled_angle, energy = (of.blurred(x, CONTOUR_DEVIATION) for x in _tensor(of, light))
    edge = _length(doubled_angle)
    least_change = of.higher(energy - edge, 0.0)
    clear = edge / (edge + EDGE**2)
    stretch = (clear * LONGER + 1.0) / (least_change * (0.5 / BUSY**2) + 1.0)
    return [x / (edge + UNDIRECTED) for x in doubled_angle], clear, stretch


def _flow(of: Operations, light: Planes) -> tuple[list[Planes], Planes]:
    """Cosine and sine of the doubled angle that wide surroundings have, and how far these agree, from 0 to 1. light:
    the halved picture's brightness."""
    *doubled_angle, energy = _tensor(of, of.halved(of.halved(light)))
    slope = (energy + SLIGHT**2).sqrt()
    around = of.blurred(slope, FLOW_DEVIATION)
    flow = [of.enlarged(of.blurred(x / slope, FLOW_DEVIATION) / around, light, 4) for x in doubled_angle]
    certainty = _length(flow)
    return [x / (certainty + UNDIRECTED) for x in flow], certainty


def _contours(of: Operations, x: Planes, half: Planes, others: list[tuple[list[Planes], Planes]]) -> list[Planes]:
    """Cosine and sine of the doubled angle of the contour that every pixel is on, of a length of 1, less where there is
    none. half: of half the size. others: doubled angles that take the place of the painting's own, and their shares."""
    tensor = _tensor(of, of.halved(_brightness(of.channels(x))))
    *near, energy = (of.blurred(y, CONTOUR_DEVIATION) for y in tensor)
    *wide, wide_energy = (of.blurred(of.halved(y), WIDE_DEVIATION) for y in tensor)
    anisotropy = _length(near)
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
    agreement = _length(doubled_angle)
    share = agreement / (agreement + UNDECIDED)
    cosine = doubled_angle[0] / (agreement + LEAST_LENGTH)
    half_cosine, half_sine = ((of.higher(x, 0.0) * 0.5).sqrt() * share for x in (1.0 + cosine, 1.0 - cosine))
    half_sine = of.signed(half_sine, doubled_angle[1])
    return of.direction(0.0 - half_sine, half_cosine), of.direction(half_cosine, half_sine)


def _tensor(of: Operations, light: Planes) -> tuple[Planes, Planes, Planes]:
    """Of structure: its doubled angle's cosine and sine, and the energy that these are multiplied by."""
    right, down = of.slopes(light)
    across, upright = right * right, down * down
    return across - upright, right * down * 2.0, across + upright


def _length(vector: list[Planes]) -> Planes:
    x, y = vector
    return (x * x + y * y).sqrt()
