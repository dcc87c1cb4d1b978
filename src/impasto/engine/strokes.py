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
