"""Pictures and requests for the painting process of the tests."""

from typing import Any

from picture_files import file_bytes
from PIL import Image

from impasto.methods import StylizeOptions
from impasto.service.request import PaintRequest

ACTIONS = ("now", "hold", "die", "die-once", "garbage", "stubborn", "explode", "picture")


def picture(shade: int = 0, size: tuple[int, int] = (8, 6), kind: str = "PNG", **how: Any) -> bytes:
    """(width, height) of one grey."""
    return file_bytes(Image.new("RGB", size, (shade, shade, shade)), kind, **how)


def look(action: str = "now", place: tuple[float, float] = (50, 25), **options: Any) -> PaintRequest:
    return PaintRequest(
        content=picture(), styles=(action,), place=place, options=StylizeOptions(**{"method": "gatys", **options})
    )


def wish(action: str = "now", shade: int = 0) -> PaintRequest:
    return PaintRequest(content=picture(shade), styles=(action,))


def another(offer, item):
    """A value that is not the default."""
    words = [word for word in offer.choices(item) if word != item.default]
    if words:
        return words[-1]
    if item.name == "seed":
        return 2**63 - 1
    if item.name.endswith("_layers"):
        return "relu3_1:2,relu4_1"
    low, high = item.metadata["minimum"] or 0, item.metadata["maximum"] or float("inf")
    return low + 2 if "int" in str(item.type) else min(low + 0.5, high)
