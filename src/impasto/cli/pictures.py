"""Which pictures the words on the command line mean, `-` among them, a stream. Nothing here needs PyTorch."""

import glob
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from impasto.errors import OptionError, PictureError, reason_of
from impasto.files import in_unicode
from impasto.gallery import SUFFIX_OF, is_hidden, is_picture, is_picture_name, packaged, style_file
from impasto.jobs.job import FileSource, Mask
from impasto.options import Options
from impasto.video.options import FILMS

# Before a mask's file: white and black change places.
INVERSE = "not:"


def is_meant(word: str) -> bool:
    """Whether a word stands for pictures, there or not: a file, a folder, a glob, one of impasto's own; or a film."""
    path = Path(word)
    is_name = is_picture_name(path) or path.suffix.lower() in FILMS
    return path.exists() or glob.has_magic(word) or is_name or word in packaged()


def source(word: str) -> FileSource:
    """The picture that a word means: a file, or else one of impasto's own. It need not exist."""
    path = Path(word)
    if not path.exists() and word in packaged():
        return FileSource(packaged()[word], word, packaged=True)
    return FileSource(path, path.name)


def find_style(word: str, folders: Iterable[Path] = ()) -> FileSource:
    """A style by path, by the name of one of impasto's own, or by its file name in one of the folders.

    Raises PictureError if it is nowhere.
    """
    try:
        path = style_file(word)
    except PictureError:
        for folder in folders:
            if file := called(folder, word):
                return FileSource(file, file.name)
        raise
    is_own = path != Path(word)
    return FileSource(path, word if is_own else path.name, packaged=is_own)


def find_painting(word: str, folders: Iterable[Path] = ()) -> FileSource:
    """The same where an encoded style is not enough. Raises PictureError for one."""
    painting = find_style(word, folders)
    if painting.is_encoded:
        raise PictureError(f"{word}: keeps only statistics of the painting, but this needs a picture of it")
    return painting


def check_paintings(styles: Iterable[FileSource], options: Options) -> None:
    """Raises OptionError for an encoded style where the painting itself is needed."""
    for style in styles:
        if style.is_encoded and options.needs_pictures:
            options.check_encoded(style.name, 1)


def called(folder: Path, word: str) -> Path | None:
    """The file that a record calls so, by its place from the folder, if it is there."""
    path = folder / word
    if path.is_file():
        return path
    if "\\x" not in word or not path.parent.is_dir():
        return None
    # How a record says a name that is no Unicode.
    return next((one for one in path.parent.iterdir() if in_unicode(one.name) == path.name), None)


def find_mask(word: str, folders: Iterable[Path] = ()) -> Mask:
    """'FILE', 'not:FILE' or 'rest'. Raises PictureError if the file is nowhere."""
    if word == "rest":
        return Mask(word)
    name = word.removeprefix(INVERSE)
    painting = find_painting(name, folders)
    return Mask(word[: len(word) - len(name)] + painting.name, painting, inverted=name != word)


def find_contents(words: Sequence[str]) -> tuple[list[FileSource], list[PictureError]]:
    """The pictures that files, folders and globs mean, each once, in the order given; and the words that mean none.

    A folder means the pictures in it, not those in folders below. Of folders and globs, pictures that impasto painted
    are left out: results often lie beside their contents, and a second run must not paint its own results.
    """
    by_path: dict[Path, FileSource] = {}
    problems: list[PictureError] = []
    for word in words:
        if Path(word).suffix.lower() in FILMS:
            problems.append(PictureError(f"{word}: is a film, which impasto video paints"))
            continue
        try:
            sources = _expand(word)
        except OSError as error:
            problems.append(PictureError(f"{word}: it cannot be read: {reason_of(error)}"))
            continue
        if not sources:
            problems.append(PictureError(f"{word}: {_nothing(word)}"))
        for one in sources:
            by_path.setdefault(one.path.resolve(), one)
    return list(by_path.values()), problems


def left_out(words: Sequence[str], output: str | None = None) -> list[str]:
    """A line for each folder with folders below that hold pictures. output: a folder of results, which counts not."""
    lines = []
    for folder in map(Path, words):
        # Nothing of what is no folder, or cannot be read, which is told of where it is to be painted.
        count = _count_below(folder, None if output is None else Path(output).resolve())
        if count:
            pictures = "1 picture" if count == 1 else f"{count} pictures"
            lines.append(f"{folder}: {pictures} in folders below left out; '{folder / '**'}' means them, too")
    return lines


def _count_below(folder: Path, output: Path | None) -> int:
    count = 0
    for place, folders, names in os.walk(folder):
        below = Path(place)
        folders[:] = [name for name in folders if not is_hidden(name) and (below / name).resolve() != output]
        count += 0 if below == folder else sum(is_picture_name(Path(name)) for name in names)
    return count


def _expand(word: str) -> list[FileSource]:
    path = Path(word)
    if path.is_dir():
        paths = sorted(item for item in path.iterdir() if is_picture(item))
    elif not path.exists() and glob.has_magic(word):
        # Not Path.glob, which takes no absolute patterns.
        matching = map(Path, glob.glob(word, recursive=True))  # noqa: PTH207
        paths = sorted(item for item in matching if is_picture(item))
    else:
        return [source(word)]
    from impasto.record import find_record

    return [FileSource(path, path.name) for path in paths if find_record(path) is None]


def _nothing(word: str) -> str:
    if Path(word).is_dir():
        return "this folder holds no pictures to paint"
    return "no picture matches; folders below are only searched with **"


# --- streams ---------------------------------------------------------------------------------------------------------

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
