"""A style that has been encoded: what AdaIN needs of a painting, in memory and in a file of a few kilobytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from impasto.engine.colours import Colours, blend_colours
from impasto.engine.statistics import Array, Codes, blend


@dataclass(frozen=True)
class Style:
    """statistics: of the four layers. colours: mean and covariance of the painting's RGB.

    encoder: sha256 of the weights that it was encoded with, and their pooling. name: of the painting. scale: the
    style_scale that it was seen at. picture: the painting itself, (1, 3 or 4, h, w), for what needs more than
    statistics; a style from a file is without it.
    """

    statistics: Codes
    colours: Colours
    encoder: str = ""
    name: str = ""
    scale: float = 1.0
    picture: Array | None = field(default=None, repr=False, compare=False)


def blended(styles: Sequence[Style], shares: Sequence[float]) -> Style:
    """Several styles as one, in these shares."""
    codes, tones = [style.statistics for style in styles], [style.colours for style in styles]
    return Style(blend(codes, shares), blend_colours(tones, shares), styles[0].encoder)
