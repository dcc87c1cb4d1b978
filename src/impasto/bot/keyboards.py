"""The bot's buttons, and what they say to the bot when they are pressed."""

from collections.abc import Mapping
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from impasto.bot.conversation import SETTINGS, value_of
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
    for name, values in SETTINGS.items():
        now = value_of(chosen, name)
        after = (values.index(now) + 1) % len(values) if now in values else 0
        rows.append([InlineKeyboardButton(described(language, name, now), callback_data=f"{SET}:{name}:{after}")])
    return InlineKeyboardMarkup(rows)


def painted(language: str, chosen: Mapping[str, Any]) -> InlineKeyboardMarkup:
    """Ways to have a painting made once more, a little differently."""
    strengths, refinements = SETTINGS["strength"], SETTINGS["refine"]
    strength, colour = value_of(chosen, "strength"), value_of(chosen, "colour")
    weaker = [value for value in strengths if value < strength][-1:]
    stronger = [value for value in strengths if value > strength][:1]
    first = [_again(language, "weaker", "strength", value) for value in weaker]
    first += [_again(language, "stronger", "strength", value) for value in stronger]
    second = [_again(language, f"colour-{other}", "colour", other) for other in SETTINGS["colour"] if other != colour]
    more = [value for value in refinements if value > value_of(chosen, "refine")][:1]
    third = [_again(language, "refine", "refine", value) for value in more]
    third.append(InlineKeyboardButton(say(language, "another-style"), callback_data=f"{AGAIN}:{OTHER_STYLE}"))
    return InlineKeyboardMarkup([first, second, third])


def _again(language: str, key: str, name: str, value: Any) -> InlineKeyboardButton:
    place = SETTINGS[name].index(value)
    return InlineKeyboardButton(say(language, key), callback_data=f"{AGAIN}:{name}:{place}")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
