"""The bot's buttons, and what they say to the bot when they are pressed."""

from collections.abc import Mapping
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from impasto.bot.conversation import settable, value_of
from impasto.bot.gallery import Gallery, key_of
from impasto.bot.texts import described, say

# What a pressed button says: one of these words, and after a colon what it needs.
STYLE, PAGE, ROLE, CANCEL, RETRY, AGAIN, SET, FORGET = (
    "style", "page", "role", "cancel", "retry", "again", "set", "forget",
)  # fmt: skip
OTHER_STYLE = "other-style"
_LONGEST = 40


def styles(gallery: Gallery, page: int) -> InlineKeyboardMarkup:
    """A button for each style of a page, and for the pages beside it."""
    buttons = [
        InlineKeyboardButton(_short(f"{number} · {name}"), callback_data=f"{STYLE}:{key_of(name)}")
        for number, name in gallery.names(page).items()
    ]
    rows = [buttons[first : first + 2] for first in range(0, len(buttons), 2)]
    turns = [
        InlineKeyboardButton(sign, callback_data=f"{PAGE}:{other}")
        for sign, other in (("◀", page - 1), ("▶", page + 1))
        if 0 <= other < gallery.pages
    ]
    return InlineKeyboardMarkup([*rows, turns] if turns else rows)


def roles(language: str) -> InlineKeyboardMarkup:
    """What the two pictures of an album are."""
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(say(language, "style-is-first"), callback_data=f"{ROLE}:first"),
                InlineKeyboardButton(say(language, "style-is-second"), callback_data=f"{ROLE}:second"),
            ],
            [InlineKeyboardButton(say(language, "style-is-none"), callback_data=f"{ROLE}:none")],
        ]
    )


def one(language: str, key: str, word: str) -> InlineKeyboardMarkup:
    """One button."""
    return InlineKeyboardMarkup([[InlineKeyboardButton(say(language, key), callback_data=word)]])


def settings(language: str, chosen: Mapping[str, Any]) -> InlineKeyboardMarkup:
    """A button for each setting, which shows its value and goes on to the next."""
    rows = []
    for name, values in settable(chosen).items():
        now = value_of(chosen, name)
        after = (values.index(now) + 1) % len(values) if now in values else 0
        rows.append([InlineKeyboardButton(described(language, name, now), callback_data=f"{SET}:{name}:{after}")])
    return InlineKeyboardMarkup(rows)


def painted(language: str, chosen: Mapping[str, Any]) -> InlineKeyboardMarkup:
    """Ways to have a painting made once more, a little differently."""
    values = settable(chosen)
    now = {name: value_of(chosen, name) for name in values}
    rows: list[list[InlineKeyboardButton]] = [[], [], []]

    def add(row: int, key: str, name: str, value: Any) -> None:
        data = f"{AGAIN}:{name}:{values[name].index(value)}"
        rows[row].append(InlineKeyboardButton(say(language, key), callback_data=data))

    for value in [value for value in values.get("strength", ()) if value < now["strength"]][-1:]:
        add(0, "weaker", "strength", value)
    for value in [value for value in values.get("strength", ()) if value > now["strength"]][:1]:
        add(0, "stronger", "strength", value)
    for value in values.get("colour", ()):
        if value != now["colour"]:
            add(1, f"colour-{value}", "colour", value)
    for value in [value for value in values.get("refine", ()) if value > now["refine"]][:1]:
        add(2, "refine", "refine", value)
    rows[2].append(InlineKeyboardButton(say(language, "another-style"), callback_data=f"{AGAIN}:{OTHER_STYLE}"))
    return InlineKeyboardMarkup([row for row in rows if row])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
