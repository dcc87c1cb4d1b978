"""`impasto video`: what can be said, checked before PyTorch is imported, and a bar while a film is painted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from impasto.cli.flags import Device, Flags, Quiet, flag, flags, given, method_flags
from impasto.cli.pictures import check_paintings, find_style
from impasto.cli.terminal import Screen, duration
from impasto.errors import OptionError
from impasto.methods import StylizeOptions
from impasto.progress import Progress, ProgressCallback, interrupt, stoppable
from impasto.video.options import VideoOptions

if TYPE_CHECKING:
    from rich.text import Text

# A picture to start from would be the same for every frame.
_OPTIONS = method_flags(has=lambda name: name != "init")
_FILM = flags(VideoOptions, "What kind of film", without=("start", "end"))
_PART = Group.create_ordered("Which part")

# Of the preview: its width in columns, two rows of pixels a line, and seconds between two of them.
COLUMNS, PREVIEW_SECONDS = 48, 1.0


@dataclass(frozen=True, kw_only=True)
class VideoPart(Flags):
    """What is painted of the film, and where to."""

    style: list[str] | None = flag(
        "painting or name of a style, as of `impasto stylize`; several are blended", alias="-s"
    )
    output: Path | None = flag(
        ".mp4, .mov, .mkv, .webm, .gif, .webp, .apng; without a suffix a folder of frames; NAME-impasto beside the clip"
        " if not given",
        alias="-o",
    )
    start: str | None = flag("where to begin: seconds, or 1:02.5", name="--from", metavar="TIME", group=_PART)
    end: str | None = flag("where to end: seconds, or 1:02.5", name="--to", metavar="TIME", group=_PART)


@dataclass(frozen=True, kw_only=True)
class VideoRun(Flags, group=Group.create_ordered("How to run")):
    """How the command goes about it."""

    device: Device = "auto"
    weights: Path | None = flag("file of weights, or monet, as of `impasto stylize`")
    overwrite: bool = flag("replace a file that exists; never the inputs", False)
    resume: bool = flag("go on where a run that was stopped or killed left off", False)
    quiet: Quiet = False


def video(
    clip: Annotated[Path | None, Parameter(help="film, GIF, animated WebP or APNG, or folder of frames")] = None,
    /,
    *,
    part: VideoPart = VideoPart(),
    film: Any = _FILM,
    options: Any = _OPTIONS,
    run: VideoRun = VideoRun(),
) -> None:
    """Paint a film in the style of a painting, steadily, with its sound."""
    if clip is None:
        raise OptionError("CLIP is missing: the film to paint, which stands before --style")
    chosen = StylizeOptions(**given(options))
    if not part.style and chosen.takes_styles:
        raise OptionError("--style is missing: the painting whose style to use")
    chosen.check_styles(len(part.style or ()))
    about = VideoOptions(start=part.start, end=part.end, **given(film))
    if part.output is not None:
        about.check_output(part.output)
    styles = [find_style(word) for word in part.style or ()]
    check_paintings(styles, chosen)
    screen = Screen(quiet=run.quiet)
    from impasto import api, stylize_video

    stylizer = api.load(chosen.method, device=run.device, weights=run.weights, download=screen.download)
    words = [painting.name if painting.packaged else painting.path for painting in styles]
    with stoppable(interrupt), _shown(screen, clip.name) as show:
        written = stylize_video(
            clip, words, chosen, video=about, output=part.output, overwrite=run.overwrite, resume=run.resume,
            stylizer=stylizer, progress=show,
        )  # fmt: skip
    screen.written(written)


@contextmanager
def _shown(screen: Screen, title: str) -> Iterator[ProgressCallback]:
    """A bar with frames a second and the time left, and a small preview where the terminal has the colours."""
    first: tuple[int, float] | None = None
    drawn = float("-inf")
    with screen.counting(title) as count:

        def report(progress: Progress) -> None:
            nonlocal first, drawn
            now = time.monotonic()
            first = first or (progress.step, now)
            state = f"{(progress.step - first[0]) / max(1e-9, now - first[1]):.2f} fps"
            if progress.seconds_left is not None:
                state += f"  {duration(progress.seconds_left)} left"
            count(progress.step, progress.total, state)
            if progress.preview and screen.shows_pictures and now - drawn > PREVIEW_SECONDS:
                drawn = now
                screen.picture(_half_blocks(progress.preview()))

        yield report


def _half_blocks(frame: Any) -> "Text":
    """A frame (1, 3, h, w) as signs, of which the upper half is one pixel and the lower half another."""
    from rich.text import Text

    from impasto import image

    height, width = frame.shape[-2:]
    rows = max(1, round(COLUMNS * height / width / 2))
    pixels = image.to_array(image.Picture(image.resize(frame, 2 * rows, COLUMNS)))
    text = Text()
    for row in range(0, 2 * rows, 2):
        for upper, lower in zip(pixels[row].tolist(), pixels[row + 1].tolist(), strict=True):
            text.append("▀", style=f"rgb({','.join(map(str, upper))}) on rgb({','.join(map(str, lower))})")
        text.append("\n")
    return text
