"""The conversation in the docs is the one that the bot has."""

import importlib.util
import io
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from impasto.service import wire

ROOT = Path(__file__).parents[2]


def tool():
    spec = importlib.util.spec_from_file_location("bot_transcript", ROOT / "tools" / "bot_transcript.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FAKE = (sys.executable, "-I", "-S", str(ROOT / "tests" / "fake_worker.py"))


@pytest.mark.parametrize("is_painted", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_transcript_in_the_docs(is_painted, tmp_path):
    transcript = tool()
    fake = (*FAKE, str(tmp_path), str(wire.__file__), "echo")
    pen = transcript.transcript(*([] if is_painted else [fake]))
    page = (ROOT / "docs" / "how-to" / "bot.md").read_text("utf-8")
    assert page.split("```text\n")[1].split("\n```")[0].splitlines() == pen.lines
    assert len(pen.painted) == 5
    photo = Image.open(io.BytesIO(transcript.small("still_life")))
    for data in pen.painted if is_painted else ():
        with Image.open(io.BytesIO(data)) as painting:
            assert painting.size == photo.size
            # Something was painted: on the average of all places, the picture is another one.
            difference = ImageChops.difference(painting.convert("RGB"), photo).convert("L").resize((1, 1))
            assert difference.getpixel((0, 0)) > 5
