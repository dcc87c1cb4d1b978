"""What the commands show: results on stdout; notes, errors and progress bars on stderr."""

import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from impasto.errors import ImpastoError, reason_of
from impasto.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import Progress as Bars
    from rich.text import Text


class LostOutputError(ImpastoError):
    """What a command has to say cannot be said."""


def printable(text: str) -> str:
    """Text as one line that a terminal only shows: names and records of others may hold control characters."""
    line = " ".join(text.splitlines())
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)


def write(text: str, stream: TextIO | None = None) -> None:
    """A line on stdout, or on another stream, at once. Raises LostOutputError, BrokenPipeError if nobody can read it.

    What goes to stderr is lost then, and no reason to stop.
    """
    stream = stream or sys.stdout
    try:
        stream.write(f"{printable(text)}\n")
        stream.flush()
    except BrokenPipeError:
        if stream is not sys.stderr:
            raise
    except OSError as error:
        if stream is not sys.stderr:
            raise LostOutputError(f"standard output: it cannot be written: {reason_of(error)}") from error


def write_error(text: str) -> None:
    """A line on stderr that says whose it is."""
    write(f"impasto: {text}", sys.stderr)


def in_columns(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    """A line for each row, its cells below each other. right: columns of numbers, which end below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:>{width}}" if place in right else f"{cell:{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


class Screen:
    """Where one command reports to.

    quiet: errors and nothing else. results: False leaves stdout to another writer. has_bars: whether bars are shown;
    only a terminal can show them.
    """

    def __init__(self, *, quiet: bool = False, results: bool = True) -> None:
        self._began = time.monotonic()
        self._quiet = quiet
        self._results = results and not quiet
        self.has_bars = not quiet and sys.stderr.isatty()
        self._bars: Bars | None = None
        self._live: Live | None = None

    def result(self, text: str) -> None:
        if self._results:
            write(text)

    def written(self, path: Path) -> None:
        """A result: the file, and the seconds since the command began its work."""
        self.result(f"{path}: {time.monotonic() - self._began:.1f} s")

    def note(self, text: str) -> None:
        if not self._quiet:
            write(text, sys.stderr)

    def stopping(self) -> None:
        """What a signal is answered that ends a run after its step."""
        # It may come in the middle of a line.
        with suppress(RuntimeError):
            self.note("stopping after this step; again to end now")

    @contextmanager
    def painting(self, title: str) -> Iterator[ProgressCallback]:
        """A bar for one picture, to be called with its progress."""
        with self.counting(title) as count:
            yield lambda progress: count(progress.step, progress.total, describe(progress))

    @contextmanager
    def counting(self, title: str) -> "Iterator[Count]":
        """A bar to be called with (done, total) and what else there is to say."""
        with self._shown() as bars:
            task = None if bars is None else bars.add_task(printable(title), total=None, state="")

            def report(done: int, total: int, said: str = "") -> None:
                if bars is not None and task is not None:
                    bars.update(task, completed=done, total=total, state=f"{done}/{total}  {said}")

            yield report

    @contextmanager
    def telling(self, title: str) -> "Iterator[Count]":
        """The same; where there are no bars, lines: the first, one whenever something else is said, and every tenth."""
        if self.has_bars:
            with self.counting(title) as count:
                yield count
            return
        told: tuple[str, int] | None = None

        def report(done: int, total: int, said: str = "") -> None:
            nonlocal told
            now = said, 10 * done // max(total, 1)
            if now != told:
                self.note(f"{title} {done}/{total}  {said}".rstrip())
            told = now

        yield report

    @contextmanager
    def downloads(self) -> Iterator[None]:
        """Around a download that no other bar is around."""
        with self._shown():
            yield

    def download(self, done: int, total: int) -> None:
        """Tell of (bytes, total); total is 0 while unknown. Shown inside any of the bars above."""
        bars = self._bars
        if bars is None:
            return
        task = next((task.id for task in bars.tasks if task.fields.get("download")), None)
        if task is None:
            task = bars.add_task("downloading weights", total=None, state="", download=True)
        state = f"{done / 1e6:.1f} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        bars.update(task, completed=done, total=total or None, state=state, visible=done != total)

    @property
    def shows_pictures(self) -> bool:
        """Whether there are bars, and colours for a picture below them."""
        return self._live is not None and self._live.console.color_system == "truecolor"

    def picture(self, text: "Text") -> None:
        """Below the bars, instead of the one before."""
        if self._live is not None and self._bars is not None:
            from rich.console import Group

            self._live.update(Group(self._bars, text))

    @contextmanager
    def _shown(self) -> "Iterator[Bars | None]":
        if not self.has_bars:
            yield None
            return
        # Only here: rich takes a tenth of a second to import.
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        console = Console(stderr=True)
        said = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[state]}", markup=False),
        )
        self._bars = Bars(*said, console=console)
        # stdout stays alone: rich would send what is printed there to its own console, which is stderr.
        try:
            with Live(self._bars, console=console, transient=True, redirect_stdout=False) as self._live:
                yield self._bars
        finally:
            self._bars = self._live = None


class Count(Protocol):
    """How a job that only counts reports."""

    def __call__(self, done: int, total: int, said: str = "", /) -> None: ...


def describe(progress: Progress) -> str:
    """'loss 1.2e+03  0:12 left'."""
    parts = []
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.4g}")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """'0:07', '12:30', '1:02:03'."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
