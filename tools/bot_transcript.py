"""Talk to the bot, with impasto's own pictures and its real networks, and write down who said what.

    python tools/bot_transcript.py [--picture docs/pictures/bot.png]

Prints the transcript that stands in docs/how-to/bot.md; a test compares the two. Telegram is the one of the tests, on
this machine. The picture shows what was sent and what came back.
"""

import argparse
import asyncio
import io
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fake_telegram import TOKEN, Message, Telegram, User, telegram

from impasto.bot.app import serve
from impasto.bot.config import BotConfig, BotOptions
from impasto.bot.conversation import Conversations
from impasto.gallery import packaged
from impasto.report.sheets import grid
from impasto.service.process import WORKER
from impasto.service.service import Service

SIDE = 384
"""Pixels of the pictures' longer side: as small as a transcript can do with."""
WIDTH = 100
"""Signs of a line."""


@contextmanager
def running(server: Telegram, command: tuple[str, ...] = WORKER) -> Iterator[None]:
    """The bot, in a thread of its own."""
    listens, ends = threading.Event(), threading.Event()
    config = BotConfig(token=TOKEN, base_url=server.url, options=BotOptions(album_seconds=0.2))

    async def work(memory: Path) -> None:
        stop = asyncio.Event()
        conversations = Conversations(memory)
        with Service(devices=["cpu"], command=command) as service:
            bot = asyncio.create_task(serve(config, service, conversations, lambda _: listens.set(), stop))
            await asyncio.to_thread(ends.wait)
            stop.set()
            await bot
        conversations.close()

    with tempfile.TemporaryDirectory() as folder:
        thread = threading.Thread(target=lambda: asyncio.run(work(Path(folder) / "bot.sqlite")))
        thread.start()
        try:
            listens.wait()
            yield
        finally:
            ends.set()
            thread.join()


class Pen:
    """Writes down what one user and the bot say. painted: what the bot sent, in its order."""

    def __init__(self, user: User) -> None:
        self.user, self.lines = user, list[str]()
        self.painted: list[bytes] = []
        self._last: Message | None = None

    def say(self, text: str, answer: str) -> Message:
        self._write("You", text)
        self._last = self.user.says(text)
        return self._answered(answer)

    def send(self, *pictures: bytes, answer: str, what: str) -> Message:
        self._write("You", f"[{what}]")
        for data in pictures:
            self._last = self.user.sends(data, album="album" if len(pictures) > 1 else "")
        return self._answered(answer)

    def send_file(self, data: bytes, caption: str, answer: str) -> Message:
        self._write("You", f"[a file] {caption}")
        self._last = self.user.sends(data, caption, kind="image/jpeg", name="holiday.jpg")
        return self._answered(answer)

    def press(self, message: Message, label: str, answer: str) -> Message:
        self._write("You", f"press [{label}]")
        self.user.presses(message, label)
        return self._answered(answer)

    def _answered(self, words: str) -> Message:
        last = self._last
        message = self.user.waits_for(lambda one: words in one.text, words, after=last)
        self._last = message
        if "Stronger" in message.labels:
            self.painted.append(message.data)
            kind = "the painting" if message.kind == "photo" else f"the file {message.name}"
        else:
            kind = "all paintings, with numbers" if message.kind == "photo" else ""
        self._write("Bot", f"[{kind}] {message.text}" if kind else message.text)
        for row in message.buttons:
            self._write("", " ".join(f"[{button['text']}]" for button in row))
        return message

    def _write(self, who: str, text: str) -> None:
        for paragraph in text.splitlines():
            line = f"{who:4}"
            for word in paragraph.split(" "):
                if len(line) + 1 + len(word) > WIDTH:
                    self.lines.append(line.rstrip())
                    line = " " * 4
                line += f" {word}"
            self.lines.append(line.rstrip())
            who = ""


def small(name: str) -> bytes:
    """One of impasto's pictures, as Telegram would make it small."""
    with Image.open(packaged()[name]) as picture:
        copy = picture.convert("RGB")
    copy.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    copy.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def talk(server: Telegram) -> Pen:
    """The conversation."""
    pen, photo, cubes = Pen(server.user()), small("still_life"), small("cubes")
    pen.say("/start", "I turn photos")
    gallery = pen.send(photo, answer="Now the style", what="a photo")
    first = pen.press(gallery, "5 · swirls", "swirls ·")
    second = pen.press(first, "The photo's colours", "the photo's colours")
    pen.press(second, "Weaker", "strength 75 %")
    question = pen.send(photo, cubes, answer="Which one is the style?", what="an album: a photo and a painting")
    pen.press(question, "The second is the style", "your painting")
    pen.send_file(photo, "ink", "ink ·")
    pen.say("beautiful!", "only pictures")
    pen.say("/cancel", "forgotten")
    return pen


def transcript(command: tuple[str, ...] = WORKER) -> Pen:
    """The conversation with a bot of its own."""
    with telegram() as server, running(server, command):
        return talk(server)


def sheet(pen: Pen) -> Image.Image:
    """What was sent, and what came back."""
    pictures = [small("still_life"), *pen.painted]
    titles = ["the photo", "swirls", "its own colours", "weaker", "like the cubes", "ink"]
    cells = []
    for data in pictures:
        with Image.open(io.BytesIO(data)) as picture:
            cell = picture.convert("RGB")
        cell.thumbnail((160, 160))
        cells.append(cell)
    return grid([cells], titles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, help="where the pictures of the conversation go")
    arguments = parser.parse_args()
    pen = transcript()
    if arguments.picture:
        sheet(pen).save(arguments.picture, optimize=True)
    print("\n".join(pen.lines))


if __name__ == "__main__":
    main()
