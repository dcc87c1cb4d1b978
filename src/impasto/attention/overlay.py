"""Where one place looks, as two pictures: the least that a page needs to show it."""

from dataclasses import dataclass

from PIL import Image

from impasto import figures, image, tensors
from impasto.attention.draw import lit_style
from impasto.attention.draw_within import lit_place
from impasto.attention.look import Place, Sight
from impasto.attention.within import SightWithin


@dataclass(frozen=True)
class Overlay:
    """content: with a dot at the place. seen: the painting, or the photo itself, bright where the place looks."""

    content: Image.Image
    seen: Image.Image


def overlay(sight: Sight | SightWithin, place: str | Place) -> Overlay:
    """place: as `attention` takes it. Of several layers the first is shown. Raises OptionError."""
    if isinstance(sight, Sight):
        found = sight.at([place])
        seen, at = lit_style(found, found.looks[0], 0), found.places[0]
    else:
        glance = sight.at([place])
        seen, at = lit_place(glance, 0), glance.places[0]
    return Overlay(figures.marked(image.to_pil(tensors.to_picture(sight.content)), at), seen)
