"""Seeing what attention sees: where places of a content look in a style (paper 001, section 3.4 and Figure 4), and
where those of a photo look in itself (paper 000, Figure 6)."""

from impasto.attention.show import Attention, Prepared, attention, draw, overlay, page, prepare

__all__ = ["Attention", "Prepared", "attention", "draw", "overlay", "page", "prepare"]
