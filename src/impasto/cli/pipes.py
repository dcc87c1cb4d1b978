"""`-`: a picture from standard input, and a painting to standard output."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from impasto.errors import OptionError, PictureError
from impasto.gallery import SUFFIX_OF
from impasto.jobs.job import FileSource

STDIN, STDOUT = "/dev/stdin", "/dev/stdout"
"""What - stands for. These files need not be there."""


def spelled_out(words: Sequence[str]) -> list[str]:
    """A command's words with every - as the stream that it means: after --output what is written, else what is read."""
    streams = {"-": STDIN, "--output=-": f"--output={STDOUT}"}
    before = ["", *words[:-1]]
    return [
        STDOUT if word == "-" and last in ("-o", "--output") else streams.get(word, word)
        for last, word in zip(before, words, strict=True)
    ]


@dataclass(frozen=True)
class Pipes:
    """Files in place of the streams, for as long as the command runs; None for a stream that was not named."""

    received: Path | None
    sent: Path | None

    def file(self, word: str) -> str:
        """The word, or the file in its place."""
        return str(self.received) if word == STDIN else word

    def named(self, source: FileSource) -> FileSource:
        """As messages and records call it; it has no folder to paint beside."""
        return replace(source, name="standard input", packaged=True) if source.path == self.received else source

    def send(self) -> None:
        """Write the painting to standard output. Raises BrokenPipeError where nobody reads it."""
        if self.sent is not None and self.sent.exists():
            sys.stdout.buffer.write(self.sent.read_bytes())
            sys.stdout.buffer.flush()


@contextmanager
def piped(words: Sequence[str], output: str | None) -> Iterator[Pipes]:
    """words: all that name pictures to read.

    Raises OptionError for two that are standard input, PictureError for what is no picture.
    """
    if list(words).count(STDIN) > 1:
        raise OptionError("- is given twice, but standard input is one picture")
    if STDIN not in words and output != STDOUT:
        yield Pipes(None, None)
        return
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        received = _received(Path(folder)) if STDIN in words else None
        yield Pipes(received, Path(folder) / "painting.png" if output == STDOUT else None)


def _received(folder: Path) -> Path:
    from impasto.record import Named, opened

    data = sys.stdin.buffer.read()
    with opened(Named(data, "standard input")) as picture:
        kind = (picture.format or "png").lower()
    path = folder / f"stdin{SUFFIX_OF.get(kind, f'.{kind}')}"
    try:
        path.write_bytes(data)
    except OSError as error:
        raise PictureError(f"standard input: it cannot be kept: {error.strerror}") from error
    return path
