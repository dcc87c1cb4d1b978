"""Seeing what attention sees: where places of a content look in a style (paper 001, section 3.4 and Figure 4), and
where those of a photo look in itself (paper 000, Figure 6)."""

from impasto.attention.draw import correspondence_picture, draw
from impasto.attention.draw_within import draw_within
from impasto.attention.look import Attention, Look, Sight, attention, parse_place, see
from impasto.attention.overlay import Overlay, overlay
from impasto.attention.page import page
from impasto.attention.page_within import page_within
from impasto.attention.within import SightWithin, Within, points, see_within, weights_of, within

__all__ = [
    "Attention", "Look", "Overlay", "Sight", "SightWithin", "Within", "attention", "correspondence_picture", "draw",
    "draw_within", "overlay", "page", "page_within", "parse_place", "points", "see", "see_within", "weights_of",
    "within",
]  # fmt: skip
