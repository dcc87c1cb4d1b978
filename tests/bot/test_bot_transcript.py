"""The conversation in the docs is the one that the bot has."""

import importlib.util
import io
from pathlib import Path

from PIL import Image, ImageChops

ROOT = Path(__file__).parents[2]


def tool():
    spec = importlib.util.spec_from_file_location("bot_transcript", ROOT / "tools" / "bot_transcript.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_transcript_in_the_docs_with_the_real_networks():
    transcript = tool()
    pen = transcript.transcript()
    page = (ROOT / "docs" / "bot.md").read_text("utf-8")
    assert page.split("```text\n")[1].split("\n```")[0].splitlines() == pen.lines
    photo = Image.open(io.BytesIO(transcript.small("still_life")))
    assert len(pen.painted) == 5
    for data in pen.painted:
        with Image.open(io.BytesIO(data)) as painting:
            assert painting.size == photo.size
            # Something was painted: on the average of all places, the picture is another one.
            difference = ImageChops.difference(painting.convert("RGB"), photo).convert("L").resize((1, 1))
            assert difference.getpixel((0, 0)) > 5
