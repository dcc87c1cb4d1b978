"""Seeing what attention sees: where places of a content look in a style (paper 001, section 3.4 and Figure 4)."""

from impasto.attention.draw import correspondence_picture, draw
from impasto.attention.look import Attention, Look, attention, parse_place
from impasto.attention.page import page

__all__ = ["Attention", "Look", "attention", "correspondence_picture", "draw", "page", "parse_place"]
