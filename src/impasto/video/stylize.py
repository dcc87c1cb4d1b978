"""A film, painted: reading, painting and writing beside each other, piece by piece."""

import hashlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from impasto import api, image
from impasto.device import check_memory, prepare_for_forks
from impasto.engine.styles import Style as EncodedStyle
from impasto.errors import OR_OVERWRITE, Cancelled, DivergedError, OptionError, PictureError, reason_of
from impasto.files import check_folder, check_output, make_folder, replacing
from impasto.gallery import STYLE_SUFFIX
from impasto.methods import Stylizer, combined
from impasto.options import Options
from impasto.progress import Progress, ProgressCallback
from impasto.record import to_description
from impasto.sizes import fit
from impasto.sources import PathLike, as_list
from impasto.video.clips import ClipPart, open_clip
from impasto.video.joining import join_film, write_animation, write_folder
from impasto.video.motion import Floats, is_cut, motion_between, one_thread
from impasto.video.options import ANIMATIONS, FILMS, VideoOptions, suffix_of
from impasto.video.painters import Memory, ShownFrame, channels_first, frame_painter, to_pixels
from impasto.video.pieces import Pieces, encoding_for
from impasto.video.reading import Frame, Pixels
from impasto.weights import sha256_of

# Frames that wait between reading and painting, and between painting and writing.
DEPTH = 3

# Pixels of a side of a film.
LARGEST = 16_384

# Memory of a pixel besides painting: frames that wait, flow, the canvas, what is blended.
BYTES_PER_PIXEL = 320

PaintedFrame = tuple[Floats, Memory]
"""(H, W, 3) in [0, 1], and what the next frame depends on."""

T = TypeVar("T")

logger = logging.getLogger("impasto")


def stylize_video(  # noqa: PLR0913  (as `stylize`, and what only a film has)
    clip: PathLike,
    style: api.StyleSource | image.Picture | Sequence[api.StyleSource | image.Picture] | None = (),
    options: Options | None = None,
    *,
    video: VideoOptions | None = None,
    output: PathLike | None = None,
    overwrite: bool = False,
    resume: bool = False,
    metadata: bool = True,
    stylizer: Stylizer | None = None,
    progress: ProgressCallback | None = None,
    **choices: Any,
) -> Path:
    """Paint a film in the style of a painting, or of several blended, with its sound and everything else that it has.

    clip: a film of any kind that PyAV reads, a GIF, an animated WebP or APNG, or a folder of frames.
    style, options: as of `stylize`. video: of the film itself. choices: options of both, by name.
    output: .mp4, .mov, .mkv, .webm, .gif, .webp, .apng, or a name without a suffix, which becomes a folder of PNGs; the
        clip's name with `-impasto`, beside it, if None.
    overwrite: replace a file at `output`. resume: go on where a run that was stopped or killed left off; it ends with
        the frames that an undisturbed run would have made. metadata: keep the clip's: its title, and where and when it
        was taken; what is needed to show it, such as languages, always stays.
    stylizer: from `load`. progress: called after every frame; raising `Cancelled` in it stops.

    Returns the path of the painted film. Raises PictureError, OptionError, WeightsError, OutOfMemoryError,
    CheckpointError; and Cancelled, after writing what is done, whose `best` is the path of that, or None.
    """
    options, video = _options(options, video, choices, stylizer)
    source, styles = Path(clip), as_list(style)
    if not isinstance(clip, str | os.PathLike):
        raise OptionError(f"a film is given by its path, not as {type(clip).__name__}")
    options.check_styles(len(styles))
    if options.start is not None:
        raise OptionError(f"init is '{options.start}', but a film begins with its own frames")
    target = Path(output) if output is not None else _beside(source)
    video.check_output(target)
    _check_target(target, source, overwrite=overwrite or resume, sources=[*styles, *options.files.values()])
    film = _Film(source, target, styles, options, video, stylizer or api.load(options.method))
    return film.paint(resume=resume, keep_metadata=metadata, progress=progress)


def _options(
    options: Options | None, video: VideoOptions | None, choices: dict[str, Any], stylizer: Stylizer | None
) -> tuple[Options, VideoOptions]:
    names = {item.name for item in fields(VideoOptions)}
    chosen = replace(video or VideoOptions(), **{name: value for name, value in choices.items() if name in names})
    rest = {name: value for name, value in choices.items() if name not in names}
    return combined(options, rest, method=stylizer.method if stylizer else None), chosen


def _beside(clip: Path) -> Path:
    suffix = clip.suffix.lower() if clip.suffix.lower() in FILMS + ANIMATIONS else "" if clip.is_dir() else ".mp4"
    return clip.with_name(f"{clip.stem}-impasto{suffix}")


def _check_target(target: Path, clip: Path, *, overwrite: bool, sources: Sequence[Any]) -> None:
    """Raises PictureError if the film could not be written there. Leaves nothing."""
    if suffix_of(target):
        check_output(target, overwrite=overwrite, sources=[clip, *sources])
        return
    if target.is_dir() and target.samefile(clip):
        raise PictureError(f"{target}: this is the input, which is never overwritten; choose another name")
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise PictureError(f"{target}: the folder is not empty; choose another name{OR_OVERWRITE}")
    check_folder(target)


class _Film:
    """One film under way."""

    def __init__(
        self, clip: Path, target: Path, styles: Sequence[Any], options: Options, video: VideoOptions, stylizer: Stylizer
    ) -> None:
        self.target, self.options, self.video, self.stylizer = target, options, video, stylizer
        shown = open_clip(clip, video)
        # Pictures are of square pixels, films need not be.
        width = shown.width if suffix_of(target) in FILMS else max(1, round(shown.width * shown.aspect))
        self.size = fit(shown.height, width, options.size)
        if max(self.size) > LARGEST:
            raise PictureError(
                f"{clip}: {self.size[1]} x {self.size[0]} pixels are more than a film can have; --size {LARGEST} fits"
            )
        check_memory(stylizer.device, *self.size, stylizer.bytes_per_pixel(options) + BYTES_PER_PIXEL)
        self.part = ClipPart(shown, self.size, video)
        self.names = api.Names(content=clip.name, styles=api.names_of(styles))
        seen = [api.as_style(style, options) for style in styles]
        self.painter = frame_painter(stylizer, seen, options, video.steady)
        about = clip.stat()
        depends_on = [
            str(clip.resolve()), about.st_size, about.st_mtime_ns, options.to_json(), asdict(video),
            stylizer.weights_hashes(options), [_digest(style) for style in seen],
        ]  # fmt: skip
        encoding = encoding_for(target, video, bits=shown.bits, has_alpha=shown.has_alpha)
        self.pieces = Pieces(target, self.part, encoding, depends_on)
        self.last: Pixels | None = None
        self.memory: Memory = {}

    def paint(self, *, resume: bool, keep_metadata: bool, progress: ProgressCallback | None) -> Path:
        pieces = self.pieces
        if resume:
            self.memory = pieces.resume()
        place = pieces.place
        if not place.pieces:
            pieces.begin()
        prepare_for_forks()
        clock = _Clock(self.part.count, place.frames)
        is_stopped = not place.is_over and not self._is_painted(clock, progress)
        if not place.frames:
            pieces.remove()
            if is_stopped:
                raise Cancelled("stopped before anything was painted")
            raise PictureError(f"{self.part.clip.path}: the part that is asked for has no frames that can be decoded")
        is_whole = not is_stopped and self.video.end is None
        self._write(clock.seconds, is_whole=is_whole, keep_metadata=keep_metadata)
        if is_stopped:
            raise Cancelled(
                f"stopped after {place.frames} frames; {self.target} holds them, and --resume goes on with them",
                best=self.target,
            )
        pieces.remove()
        return self.target

    def _is_painted(self, clock: "_Clock", progress: ProgressCallback | None) -> bool:
        """Paint what is left; False if somebody stopped it before the end."""
        before: Frame | None = None
        if self.memory:
            before = Frame(int(self.memory["pts"][0]), 0, self.memory["source"])
            self.painter.resume(self.memory)
            self.last = to_pixels(self.memory["before"], self.memory["source"])
        is_over = False
        with (
            one_thread(),
            _behind(self._keep, DEPTH) as keep,
            closing(_ahead(self._frames(before), DEPTH)) as frames,
            suppress(Cancelled, KeyboardInterrupt),
        ):
            for frame, shown in frames:
                painted = self._painted(frame, shown)
                keep((frame, shown, painted))
                if progress:
                    progress(clock.report(self.size, painted))
            is_over = True
        self.pieces.end(is_over=is_over)
        return is_over

    def _frames(self, before: Frame | None) -> Iterator[tuple[Frame, ShownFrame | None]]:
        """Those that are left, with what moved since the last one; None of one that cannot be read, or is the last one
        once more. before: the last one that could be read."""
        for frame in self.part.frames(self.pieces.place.begin):
            if frame.pixels is None or (before is not None and frame.pixels is before.pixels):
                yield frame, None
                continue
            motion, seconds = None, 0.0
            if before is not None and self.video.steady:
                assert before.pixels is not None
                seconds = float((frame.pts - before.pts) * self.part.time_base)
                if not is_cut(before.pixels, frame.pixels):
                    motion = motion_between(before.pixels, frame.pixels)
            yield frame, ShownFrame(frame.pixels, motion, seconds)
            before = frame

    def _painted(self, frame: Frame, shown: ShownFrame | None) -> PaintedFrame | None:
        """None where the last frame is to be repeated."""
        if shown is None:
            return None
        try:
            return self.painter.paint(shown)
        except DivergedError as error:
            logger.warning("%s: %s; the frame before is repeated", self.part.time_of(frame), error)
            return None

    def _keep(self, item: tuple[Frame, ShownFrame | None, PaintedFrame | None]) -> None:
        """Settle a frame, and write it into its piece."""
        frame, shown, painted = item
        if painted is not None and shown is not None:
            picture, settled = self.painter.settle(painted[0], shown)
            self.last = to_pixels(picture, shown.pixels)
            place = {"source": shown.pixels, "pts": np.array([frame.pts])}
            self.memory = {**painted[1], **settled, **place}
        elif frame.problem:
            what = "the frame before is repeated" if self.last is not None else "it is left out"
            logger.warning("%s: %s; %s", self.part.time_of(frame), frame.problem, what)
        if self.last is not None:
            self.pieces.write(frame, self.last, self.memory)

    def _write(self, seconds: float, *, is_whole: bool, keep_metadata: bool) -> None:
        """The film of all pieces, all of it or nothing."""
        suffix, record = suffix_of(self.target), self._record(seconds)
        try:
            if not suffix:
                make_folder(self.target)
                write_folder(self.pieces, self.target, record)
                return
            with replacing(Path(os.path.realpath(self.target))) as file:
                if suffix in FILMS:
                    about = {"comment": to_description(record)}
                    join_film(self.pieces, file, suffix, about, is_whole=is_whole, keep_metadata=keep_metadata)
                else:
                    write_animation(self.pieces, file, suffix, self.video.video_quality)
        except OSError as error:
            raise PictureError(f"{self.target}: it cannot be written: {reason_of(error)}") from error

    def _record(self, seconds: float) -> dict[str, Any]:
        picture = image.Picture(np.empty((1, 3, *self.size), np.float32))
        record = api.make_record(picture, self.options, self.stylizer, self.names, seconds)
        chosen = {name: value for name, value in asdict(self.video).items() if value is not None}
        return {**record, "video": chosen}


class _Clock:
    """How far a film is, and how long it will take."""

    def __init__(self, total: int | None, done: int) -> None:
        self.total = total
        self.first = self.done = done
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def report(self, size: tuple[int, int], painted: PaintedFrame | None) -> Progress:
        """One more frame is done."""
        self.done += 1
        # Counts in files are estimates.
        total = max(self.total or 0, self.done)
        left = self.seconds / (self.done - self.first) * (total - self.done) if self.total else None
        preview = None if painted is None else lambda: channels_first(painted[0])
        return Progress(step=self.done, total=total, size=size, seconds_left=left, preview=preview)


def _digest(style: Floats | EncodedStyle) -> str:
    """Of all that is painted from."""
    if isinstance(style, np.ndarray):
        return hashlib.sha256(style.tobytes()).hexdigest()
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"style{STYLE_SUFFIX}"
        style.save(file)
        return sha256_of(file)


# --- beside painting -------------------------------------------------------------------------------------------------


def _ahead(items: Iterator[T], depth: int) -> Generator[T, None, None]:
    """The items in order, made in another thread, which is at most `depth` of them ahead and ends with the caller.

    What making one raises is raised where it is taken.
    """
    end: Any = object()
    pool = ThreadPoolExecutor(1)
    try:
        waiting = deque(pool.submit(next, items, end) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(pool.submit(next, items, end))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _behind(function: Callable[[T], None], depth: int) -> Iterator[Callable[[T], None]]:
    """Calls a function with each item, in order, in another thread, at most `depth` items behind, and waits for it.

    What the function raises is raised by a later call, or at the end; later items are dropped then.
    """
    pool = ThreadPoolExecutor(1)
    calls: deque[Future[None]] = deque()

    def call(item: T, before: Future[None] | None) -> None:
        if before is not None:
            before.result()  # raises what it raised: nothing is written after a frame that could not be
        function(item)

    def submit(item: T) -> None:
        calls.append(pool.submit(call, item, calls[-1] if calls else None))
        if len(calls) > depth:
            calls.popleft().result()

    try:
        yield submit
        for last in calls:
            last.result()
    finally:
        pool.shutdown(cancel_futures=True)
