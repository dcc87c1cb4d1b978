"""How a picture is cut into tiles that overlap."""

from impasto.engine.architecture import MULTIPLE, up
from impasto.engine.raster import Window

Tile = tuple[Window, Window]
"""What a tile is for, which no other is, and what has to be looked at for it."""


def tiles(height: int, width: int, halo: int, side: int) -> list[Tile]:
    """In rows from the top, each from the left. halo: pixels that are looked at around what a tile is for, as far as
    the picture has them. side: of a square that nothing larger than is looked at; of more than twice the halo.

    Parts begin at multiples of 8 and are all of one size, for which a program has to be made only once. A picture with
    no more pixels than the square is one tile.
    """
    if height * width <= side * side:
        return [(Window(0, 0, height, width), Window(0, 0, height, width))]
    return [
        (Window(core_top, core_left, core_bottom, core_right), Window(top, left, bottom, right))
        for core_top, core_bottom, top, bottom in _spans(height, halo, side)
        for core_left, core_right, left, right in _spans(width, halo, side)
    ]


def _spans(length: int, halo: int, side: int) -> list[tuple[int, int, int, int]]:
    """(start and end of a core, start and end of what is looked at), from the first to the last."""
    if length <= side:
        return [(0, length, 0, length)]
    # What the side is beyond a multiple of 8, every part is, since the last one has to be.
    halo, beyond = up(halo), length % MULTIPLE
    most = (side - beyond) // MULTIPLE * MULTIPLE - 2 * halo
    assert most > 0
    inner = length - 2 * halo
    step = up(-(-inner // -(-inner // most)))
    count, size = -(-inner // step), step + 2 * halo + beyond
    spans = []
    for number in range(count):
        start = min(number * step, length - size)
        core = number * step + halo if number else 0
        core_end = (number + 1) * step + halo if number < count - 1 else length
        spans.append((core, core_end, start, start + size))
    return spans
