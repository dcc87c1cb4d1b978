"""`impasto video`: what can be said, checked before PyTorch is imported, and a bar while a film is painted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from impasto.cli.flags import DEVICE, flags, given, method_flags
from impasto.cli.pictures import check_paintings, find_style
from impasto.cli.terminal import Screen, duration
from impasto.errors import OptionError
from impasto.methods import StylizeOptions
from impasto.progress import Progress, ProgressCallback, interrupt, stoppable
from impasto.video.options import VideoOptions

if TYPE_CHECKING:
    from rich.text import Text

    OptionFlags = Any
    VideoFlags = Any
else:
    # A picture to start from would be the same for every frame.
    OptionFlags = method_flags(has=lambda name: name != "init")
    VideoFlags = flags(VideoOptions, "What kind of film", without=("start", "end"))

_PART = Group.create_ordered("Which part")
_RUN = Group.create_ordered("How to run")
_NO_FLAGS, _NO_VIDEO_FLAGS = OptionFlags(), VideoFlags()

# Of the preview: its width in columns, two rows of pixels a line, and seconds between two of them.
COLUMNS, PREVIEW_SECONDS = 48, 1.0


@dataclass(frozen=True, kw_only=True)
class VideoRun:
    """How the command goes about it."""

    device: Annotated[str, DEVICE] = "auto"
    weights: Annotated[Path | None, Parameter(help="file of weights, or monet, as of `impasto stylize`")] = None
    overwrite: Annotated[bool, Parameter(help="replace a file that exists; never the inputs")] = False
    resume: Annotated[bool, Parameter(help="go on where a run that was stopped or killed left off")] = False
    quiet: Annotated[bool, Parameter(alias="-q", help="print errors only")] = False


def video(
    clip: Annotated[Path | None, Parameter(help="film, GIF, animated WebP or APNG, or folder of frames")] = None,
    /,
    *,
    style: Annotated[
        list[str] | None,
        Parameter(alias="-s", help="painting or name of a style, as of `impasto stylize`; several are blended"),
    ] = None,
    output: Annotated[
        Path | None,
        Parameter(
            alias="-o",
            help=".mp4, .mov, .mkv, .webm, .gif, .webp, .apng; without a suffix a folder of frames; NAME-impasto beside"
            " the clip if not given",
        ),
    ] = None,
    begin: Annotated[
        str | None, Parameter(name="--from", metavar="TIME", group=_PART, help="where to begin: seconds, or 1:02.5")
    ] = None,
    end: Annotated[
        str | None, Parameter(name="--to", metavar="TIME", group=_PART, help="where to end: seconds, or 1:02.5")
    ] = None,
    film: Annotated[VideoFlags, Parameter(name="*")] = _NO_VIDEO_FLAGS,
    options: Annotated[OptionFlags, Parameter(name="*")] = _NO_FLAGS,
    run: Annotated[VideoRun, Parameter(name="*", group=_RUN)] = VideoRun(),
) -> int:
    """Paint a film in the style of a painting, steadily, with its sound."""
    if clip is None:
        raise OptionError("CLIP is missing: the film to paint, which stands before --style")
    chosen = StylizeOptions(**given(options))
    if not style and chosen.takes_styles:
        raise OptionError("--style is missing: the painting whose style to use")
    chosen.check_styles(len(style or ()))
    with _in_flags():
        about = VideoOptions(start=begin, end=end, **given(film))
        if output is not None:
            about.check_output(output)
    styles = [find_style(word) for word in style or ()]
    check_paintings(styles, chosen)
    screen = Screen(quiet=run.quiet)
    # PyTorch and PyAV come in here.
    from impasto import api, stylize_video

    stylizer = api.load(chosen.method, device=run.device, weights=run.weights, download=screen.download)
    words = [word if painting.packaged else painting.path for word, painting in zip(style or (), styles, strict=True)]
    with stoppable(interrupt), _in_flags(), _shown(screen, clip.name) as show:
        written = stylize_video(
            clip, words, chosen, video=about, output=output, overwrite=run.overwrite, resume=run.resume,
            stylizer=stylizer, progress=show,
        )  # fmt: skip
    screen.written(written)
    return 0


@contextmanager
def _in_flags() -> Iterator[None]:
    """Errors about where a film begins and ends, as the command line calls it."""
    try:
        yield
    except OptionError as error:
        first, space, rest = str(error).partition(" ")
        flag = {"start": "--from", "end": "--to"}.get(first, first)
        raise OptionError(f"{flag}{space}{rest}") from None


# --- while it is painted ---------------------------------------------------------------------------------------------


@contextmanager
def _shown(screen: Screen, title: str) -> Iterator[ProgressCallback]:
    """A bar with frames a second and the time left, and a small preview where the terminal has the colours."""
    if not screen.has_bars:
        yield _ignored
        return
    from rich.console import Console
    from rich.console import Group as Lines
    from rich.live import Live
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    bars = Bars(
        TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[state]}", markup=False)
    )
    task = bars.add_task(title, total=None, state="")
    rate, drawn = _Rate(), float("-inf")
    with Live(bars, console=console, transient=True, redirect_stdout=False) as live:

        def report(progress: Progress) -> None:
            nonlocal drawn
            state = f"{progress.step}/{progress.total}  {rate.after(progress.step):.2f} fps"
            if progress.seconds_left is not None:
                state += f"  {duration(progress.seconds_left)} left"
            bars.update(task, completed=progress.step, total=progress.total, state=state)
            if progress.preview and console.color_system == "truecolor" and time.monotonic() - drawn > PREVIEW_SECONDS:
                drawn = time.monotonic()
                live.update(Lines(bars, _preview(progress)))

        yield report


def _ignored(progress: Progress) -> None:
    """No bar."""


class _Rate:
    """Frames a second since the first one that was reported."""

    def __init__(self) -> None:
        self.first: tuple[int, float] | None = None

    def after(self, step: int) -> float:
        now = time.monotonic()
        if self.first is None:
            self.first = step - 1, now
            return 0.0
        return (step - self.first[0] - 1) / max(1e-9, now - self.first[1])


def _preview(progress: Progress) -> "Text":
    """The frame in half blocks, whose upper half is one pixel and whose lower half another."""
    from rich.text import Text

    from impasto import image

    assert progress.preview is not None
    frame = progress.preview()
    height, width = frame.shape[-2:]
    rows = max(1, round(COLUMNS * height / width / 2))
    pixels = image.to_array(image.Picture(image.resize(frame, 2 * rows, COLUMNS)))
    text = Text()
    for row in range(0, 2 * rows, 2):
        for upper, lower in zip(pixels[row].tolist(), pixels[row + 1].tolist(), strict=True):
            text.append("▀", style=f"rgb({','.join(map(str, upper))}) on rgb({','.join(map(str, lower))})")
        text.append("\n")
    return text
