"""Places of a content: how they are written, and where they lie in what a network sees of it."""

from collections.abc import Sequence

from torch import Tensor

from impasto import image
from impasto.errors import OptionError
from impasto.options import LOOK_SIZE, Options
from impasto.sizes import fit_within

Place = tuple[float, float]
"""(x, y) in pixels."""


def seen_size(picture: image.Picture, options: Options) -> tuple[int, int]:
    """(height, width) at which a network sees a content."""
    height, width = picture.height, picture.width
    return image.fit(height, width, options.size) if options.size else fit_within(height, width, LOOK_SIZE)


def scaled(places: Sequence[str | Place], given: tuple[int, int], content: Tensor) -> list[Place]:
    """Places in the content (1, 3, h, w), of those in the picture of the size `given` that it was made from.

    given: (width, height). Raises OptionError.
    """
    height, width = content.shape[-2:]
    parsed = [parse_place(place, *given) for place in places]
    return [(min(x * width / given[0], width - 0.5), min(y * height / given[1], height - 0.5)) for x, y in parsed]


def parse_place(place: str | Place, width: int, height: int) -> Place:
    """From "120,80" or "50%,20%". Raises OptionError if it is none, or outside the picture."""
    parts = place.split(",") if isinstance(place, str) else [str(value) for value in place]
    try:
        x, y = (
            float(part.strip().removesuffix("%")) * (side / 100 if part.strip().endswith("%") else 1)
            for part, side in zip(parts, (width, height), strict=True)
        )
    except ValueError:
        raise OptionError(f"place '{place}' must be x,y in pixels or percent, like 120,80 or 50%,20%") from None
    if not (0 <= x <= width and 0 <= y <= height):
        raise OptionError(f"place '{place}' lies outside the picture of {width} x {height} pixels")
    return min(x, width - 0.5), min(y, height - 0.5)
