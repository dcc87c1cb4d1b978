"""What there is to press, and the server's styles as a picture with numbers, page by page."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from impasto.bot.conversation import settable, setting_value
from impasto.bot.texts import described, say
from impasto.decoding import read_shown
from impasto.errors import PictureError
from impasto.report.sheets import grid, jpeg, numbered

# What a pressed button says: one of these words, and after a colon what it needs.
STYLE, PAGE, ROLE, CANCEL, RETRY, AGAIN, SET, FORGET = (
    "style", "page", "role", "cancel", "retry", "again", "set", "forget",
)  # fmt: skip
OTHER_STYLE = "other-style"
_LABEL_LENGTH = 40
STYLES_PER_PAGE = 6
_COLUMNS, _CELL = 3, 320


def styles(gallery: "StyleGallery", page: int) -> InlineKeyboardMarkup:
    """A button for each style of a page, and for the pages beside it."""
    buttons = [
        InlineKeyboardButton(_short(f"{number} · {name}"), callback_data=f"{STYLE}:{key_of(name)}")
        for number, name in gallery.names(page).items()
    ]
    rows = [buttons[first : first + 2] for first in range(0, len(buttons), 2)]
    page_buttons = [
        InlineKeyboardButton(sign, callback_data=f"{PAGE}:{other}")
        for sign, other in (("◀", page - 1), ("▶", page + 1))
        if 0 <= other < gallery.pages
    ]
    return InlineKeyboardMarkup([*rows, page_buttons] if page_buttons else rows)


def roles(language: str) -> InlineKeyboardMarkup:
    """What the two pictures of an album are."""
    first = _button(language, "style-is-first", f"{ROLE}:first")
    second = _button(language, "style-is-second", f"{ROLE}:second")
    return InlineKeyboardMarkup([[first, second], [_button(language, "style-is-none", f"{ROLE}:none")]])


def single(language: str, key: str, word: str) -> InlineKeyboardMarkup:
    """One button."""
    return InlineKeyboardMarkup([[_button(language, key, word)]])


def settings(language: str, chosen: Mapping[str, Any]) -> InlineKeyboardMarkup:
    """A button for each setting, which shows its value and goes on to the next."""
    rows = []
    for name, values in settable(chosen).items():
        value = setting_value(chosen, name)
        following = (values.index(value) + 1) % len(values) if value in values else 0
        rows.append([InlineKeyboardButton(described(language, name, value), callback_data=f"{SET}:{name}:{following}")])
    return InlineKeyboardMarkup(rows)


def painted(language: str, chosen: Mapping[str, Any]) -> InlineKeyboardMarkup:
    """Ways to have a painting made once more, a little differently."""
    values = settable(chosen)
    now = {name: setting_value(chosen, name) for name in values}
    rows: list[list[InlineKeyboardButton]] = [[], [], []]

    def add(row: int, key: str, name: str, value: Any) -> None:
        rows[row].append(_button(language, key, f"{AGAIN}:{name}:{values[name].index(value)}"))

    for value in [value for value in values.get("strength", ()) if value < now["strength"]][-1:]:
        add(0, "weaker", "strength", value)
    for value in [value for value in values.get("strength", ()) if value > now["strength"]][:1]:
        add(0, "stronger", "strength", value)
    for value in values.get("colour", ()):
        if value != now["colour"]:
            add(1, f"colour-{value}", "colour", value)
    for value in [value for value in values.get("refine", ()) if value > now["refine"]][:1]:
        add(2, "refine", "refine", value)
    rows[2].append(_button(language, "another-style", f"{AGAIN}:{OTHER_STYLE}"))
    return InlineKeyboardMarkup([row for row in rows if row])


def choice(settings: Mapping[str, Any], text: str) -> tuple[str, Any] | None:
    """(option, value) of a pressed button, from what stands behind its word; None for what no button of ours says."""
    name, _, index = text.partition(":")
    values = settable(settings).get(name, ())
    return (name, values[int(index)]) if index.isdecimal() and int(index) < len(values) else None


def _button(language: str, key: str, data: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(say(language, key), callback_data=data)


def _short(text: str) -> str:
    return text if len(text) <= _LABEL_LENGTH else f"{text[: _LABEL_LENGTH - 1]}…"


# --- the gallery ------------------------------------------------------------------------------------------------------


def key_of(name: str) -> str:
    """Of a style, the same after a restart and whichever other styles there are; a button holds 64 bytes, which a name
    may exceed."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


class StyleGallery:
    """styles: {name: the picture that it is shown by}."""

    def __init__(self, styles: Mapping[str, Path]) -> None:
        self._styles = styles
        self._names = list(styles)
        self.by_key = {key_of(name): name for name in styles}
        self._spoken_names = {_normalised(name): name for name in styles}
        # What Telegram calls a page that it has been sent.
        self.file_ids: dict[int, str] = {}

    @property
    def pages(self) -> int:
        return -(-len(self._names) // STYLES_PER_PAGE)

    def names(self, page: int) -> dict[int, str]:
        """{number: name} of what a page shows."""
        first = page * STYLES_PER_PAGE
        return dict(enumerate(self._names[first : first + STYLES_PER_PAGE], first + 1))

    def by_words(self, words: str) -> str | None:
        return self._spoken_names.get(_normalised(words))

    def picture(self, page: int) -> bytes:
        """JPEG: the paintings of a page, each with its number. The numbers are all that is written: names may be in any
        script."""
        cells = [numbered(_cell(self._styles[name]), number) for number, name in self.names(page).items()]
        rows = [cells[first : first + _COLUMNS] for first in range(0, len(cells), _COLUMNS)]
        return jpeg(grid(rows), 88)


def _normalised(name: str) -> str:
    return name.strip().lower().replace("-", " ").replace("_", " ")


def _cell(path: Path) -> Image.Image:
    """The middle of a painting; grey for a file that cannot be read, which is said when it is chosen."""
    try:
        return ImageOps.fit(read_shown(path, side=_CELL), (_CELL, _CELL))
    except PictureError:
        return Image.new("RGB", (_CELL, _CELL), "grey")
