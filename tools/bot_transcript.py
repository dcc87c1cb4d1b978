"""Hold a conversation with the Telegram bot, and write down what its user sees.

    python tools/bot_transcript.py [--pictures FOLDER]

`impasto bot` runs as it always does, with the decoder that comes with impasto, but against the Bot API server of the
tests on this machine; no account is needed. The transcript in docs/bot.md is what this prints. How often a report on
progress changes depends on the machine.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import fake_telegram  # noqa: E402  (it is not installed)
from fake_telegram import TOKEN, Message, Telegram, User, telegram  # noqa: E402

from impasto.bot.token import VARIABLE  # noqa: E402
from impasto.gallery import packaged  # noqa: E402

PATIENCE = 300.0
"""Seconds until a bot that says nothing is given up; a slow machine refines for a while."""
WIDTH = 120


class Transcript:
    """Of everything that comes into a chat, in its order, and of what became of it."""

    def __init__(self, server: Telegram) -> None:
        self._server, self._add = server, server.add
        self._events: list[Message | str] = []
        server.add = self._added  # type: ignore[method-assign]

    def _added(self, chat: int, **values: object) -> Message:
        message = self._add(chat, **values)
        self._events.append(message)
        return message

    def press(self, user: User, message: Message, label: str) -> None:
        self._events.append(f"you:  presses [{next(one for one in message.labels if label in one)}]")
        user.presses(message, label)

    def lines(self) -> list[str]:
        written: list[str] = []
        for event in self._events:
            written += [event] if isinstance(event, str) else self._of(event)
        return written

    def _of(self, message: Message) -> list[str]:
        who, indent = ("you:" if message.mine else "bot:").ljust(6), " " * 6
        picture = f"({shown(message)}) " if message.data else ""
        if message in self._server.chats:
            said = message.text
            end = [indent + " ".join(f"[{label}]" for label in message.labels)] if message.labels else []
        else:
            # A message on progress, which goes when the painting comes.
            said, end = " → ".join(message.states), [f"{indent}(this message is gone again)"]
        lines = [
            part for line in f"{picture}{said}".strip().split("\n") for part in textwrap.wrap(line, WIDTH - len(indent))
        ]
        return [who + lines[0], *(indent + line for line in lines[1:]), *end]


def shown(message: Message) -> str:
    """What a picture is, as its reader sees it."""
    with Image.open(io.BytesIO(message.data)) as picture:
        size = "{} × {}".format(*picture.size)
        kind = "photo" if message.kind == "photo" else f"file {message.name}"
        return f"{kind}, {size}"


def suffix(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as picture:
        return ".png" if picture.format == "PNG" else ".jpg"


def photo(name: str, side: int) -> bytes:
    """One that comes with impasto, with a longer side of so many pixels, as JPEG."""
    with Image.open(packaged()[name]) as picture:
        small = picture.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=92)
    return stream.getvalue()


def talk(user: User, transcript: Transcript) -> None:
    """The conversation."""
    user.says("/start")
    user.reads("I turn photos")
    user.sends(photo("mountains", 640))
    gallery = user.reads("Now the style")
    transcript.press(user, gallery, "swirls")
    first = user.gets("photo", labels="Weaker", after=gallery)
    transcript.press(user, first, "Weaker")
    second = user.gets("photo", labels="Weaker", after=first)
    transcript.press(user, second, "Refine")
    third = user.gets("photo", labels="Weaker", after=second)
    user.sends(photo("still_life", 768), "ink", kind="image/jpeg", name="holiday.jpg")
    last = user.gets("document", labels="Weaker", after=third)
    user.says("Is it finished?")
    user.reads("I understand only pictures", after=last)
    user.says("/privacy")
    notice = user.reads("Your pictures stay", after=last)
    transcript.press(user, notice, "Forget everything")
    user.reads("I have forgotten everything", after=last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="folder for the pictures that the bot sent")
    folder = parser.parse_args().pictures
    fake_telegram.PATIENCE = PATIENCE
    with telegram() as server, tempfile.TemporaryDirectory() as place:
        words = [sys.executable, "-m", "impasto", "bot", "--base-url", server.url, "--device", "cpu"]
        environment = {**os.environ, VARIABLE: TOKEN, "PYTHONPATH": str(ROOT / "src")}
        with subprocess.Popen(words, cwd=place, env=environment, stdout=subprocess.DEVNULL) as bot:
            user, transcript = server.user(), Transcript(server)
            try:
                talk(user, transcript)
            finally:
                bot.terminate()
        print("\n".join(transcript.lines()))
        sent = [one for one in user.answers if one.data]
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        for number, message in enumerate(sent, 1):
            (folder / f"{number}{suffix(message.data)}").write_bytes(message.data)


if __name__ == "__main__":
    main()
