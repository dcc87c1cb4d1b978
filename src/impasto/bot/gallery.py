"""The server's styles as pictures with numbers, page by page, and names short enough for buttons."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from impasto.decoding import read_shown
from impasto.errors import PictureError

PAGE = 6
"""Styles on one page."""
_ABREAST, _CELL, _GAP = 3, 320, 8


def key_of(name: str) -> str:
    """Of a style, the same after a restart and whichever other styles there are; a button holds 64 bytes, which a name
    may exceed."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


class Gallery:
    """styles: {name: the picture that it is shown by}."""

    def __init__(self, styles: Mapping[str, Path]) -> None:
        self._styles = styles
        self._names = list(styles)
        self._keys = {key_of(name): name for name in styles}
        self._called = {_spoken(name): name for name in styles}
        # What Telegram calls a page that it has been sent.
        self.sent: dict[int, str] = {}

    @property
    def pages(self) -> int:
        return -(-len(self._names) // PAGE)

    def names(self, page: int) -> dict[int, str]:
        """{number: name} of what a page shows."""
        first = page * PAGE
        return dict(enumerate(self._names[first : first + PAGE], first + 1))

    def by_key(self, key: str) -> str | None:
        return self._keys.get(key)

    def called(self, words: str) -> str | None:
        """The style that somebody's words name."""
        return self._called.get(_spoken(words))

    def picture(self, page: int) -> bytes:
        """JPEG: the paintings of a page, each with its number. The numbers are all that is written: names may be in any
        script."""
        cells = self.names(page)
        rows, columns = -(-len(cells) // _ABREAST), min(_ABREAST, len(cells))
        pitch = _CELL + _GAP
        sheet = Image.new("RGB", (columns * pitch + _GAP, rows * pitch + _GAP), "white")
        drawing, font = ImageDraw.Draw(sheet), ImageFont.load_default(36)
        for place, (number, name) in enumerate(cells.items()):
            corner = _GAP + place % _ABREAST * pitch, _GAP + place // _ABREAST * pitch
            sheet.paste(_cell(self._styles[name]), corner)
            label = str(number)
            width = round(drawing.textlength(label, font))
            drawing.rectangle((*corner, corner[0] + width + 20, corner[1] + 48), fill="white")
            drawing.text((corner[0] + 10, corner[1] + 24), label, fill="black", font=font, anchor="lm")
        stream = io.BytesIO()
        sheet.save(stream, "JPEG", quality=88)
        return stream.getvalue()


def _spoken(name: str) -> str:
    return name.strip().lower().replace("-", " ").replace("_", " ")


def _cell(path: Path) -> Image.Image:
    """The middle of a painting; grey for a file that cannot be read, which is said when it is chosen."""
    try:
        return ImageOps.fit(read_shown(path, side=_CELL), (_CELL, _CELL))
    except PictureError:
        return Image.new("RGB", (_CELL, _CELL), "grey")
