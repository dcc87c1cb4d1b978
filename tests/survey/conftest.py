"""Small surveys, a server in a process of its own that can be killed, and a person who does what the page does."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from impasto.survey import store as stores
from impasto.survey.questions import make_questions
from impasto.survey.store import PairPictures, Store, SurveyKeys, SurveySettings


def jpeg(shade: int, size: tuple[int, int] = (96, 64)) -> bytes:
    stream = BytesIO()
    Image.new("RGB", size, (shade, 255 - shade, 128)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[Store, SurveyKeys]]:
    """A survey in tmp_path/NAME.survey."""

    def made(
        name: str = "one", *, pairs: int = 2, methods: int = 1, kinds=("rate",), places: int = 3, joining: bool = False
    ) -> tuple[Store, SurveyKeys]:
        settings = SurveySettings(
            title="A <title>", introduction="Words", question="How well?", comparison="Which one?", lowest="badly",
            highest="well", kinds=tuple(kinds), methods=tuple(f"m{i}" for i in range(methods)), places=places,
            open=joining,
        )  # fmt: skip
        pictures = [
            PairPictures(f"p{i}", jpeg(10 * i), jpeg(10 * i + 1), tuple(jpeg(10 * i + 2 + m) for m in range(methods)))
            for i in range(pairs)
        ]
        path = tmp_path / f"{name}.survey"
        keys = stores.create(path, settings, pictures, make_questions(kinds, pairs, methods))
        return Store(path), keys

    return made


class Server:
    """`impasto survey serve` in a process of its own, on one port through all its lives."""

    def __init__(self, *files: Path) -> None:
        self._files = files
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        pytest.importorskip("fastapi")
        pytest.importorskip("uvicorn")
        command = [sys.executable, "-m", "impasto", "survey", "serve", *map(str, self._files), "--port", str(self.port)]
        # Its log goes nowhere, as a full pipe would stop it.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline().strip()
        assert said.startswith("http://127.0.0.1:"), said
        self.port = int(said.rpartition(":")[2])

    def stop(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self.process is not None
        with self.process as process:
            process.send_signal(how)
            code = process.wait(120)
        self.process = None
        return code

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    with ExitStack() as stack:

        def started(*files: Path) -> Server:
            one = Server(*files)
            one.start()
            stack.callback(lambda: one.process is not None and one.stop())
            return one

        yield started
