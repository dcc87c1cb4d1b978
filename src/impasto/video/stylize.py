"""A film, painted: reading, painting and writing beside each other, piece by piece."""

import hashlib
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
from impasto.video.animations import frame_name, write_animation, write_folder
from impasto.video.clips import ClipPart, open_clip
from impasto.video.encoding import check_size, encoding_for
from impasto.video.joining import join_film
from impasto.video.motion import Floats, is_cut, motion_between, one_thread
from impasto.video.options import ANIMATIONS, FILMS, VideoOptions, suffix_of
from impasto.video.painters import Memory, ShownFrame, channels_first, frame_painter
from impasto.video.pieces import Pieces, Place
from impasto.video.reading import Clip, Frame
from impasto.video.threads import Behind, ahead
from impasto.video.writing import Item, Writer
from impasto.weights import sha256_of

# Frames that wait between reading and painting, and between painting and writing.
DEPTH = 3

# Memory of a pixel besides painting: frames that wait, flow, the canvas, what is blended.
BYTES_PER_PIXEL = 320

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
    film = _Film(
        source, target, styles, options, video, stylizer or api.load(options.method), is_named=metadata
    )  # fmt: skip
    return film.paint(resume=resume, progress=progress)


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


def _width(clip: Clip, target: Path) -> int:
    """Of the frames; pictures are of square pixels, films need not be."""
    return clip.width if suffix_of(target) in FILMS else max(1, round(clip.width * clip.aspect))


class _Film:
    """One film under way."""

    def __init__(
        self, clip: Path, target: Path, styles: Sequence[Any], options: Options, video: VideoOptions,
        stylizer: Stylizer, *, is_named: bool,
    ) -> None:  # fmt: skip
        self.target, self.options, self.video, self.stylizer = target, options, video, stylizer
        self.is_named = is_named
        self.clip = open_clip(clip, video)
        self.size = fit(self.clip.height, _width(self.clip, target), options.size)
        check_size(clip, *self.size)
        check_memory(stylizer.device, *self.size, stylizer.bytes_per_pixel(options) + BYTES_PER_PIXEL)
        self.part = ClipPart(self.clip, self.size, video)
        self.names = api.Names(content=clip.name, styles=api.names_of(styles))
        seen = [api.as_style(style, options) for style in styles]
        self.painter = frame_painter(stylizer, seen, options, video.steady)
        self.encoding = encoding_for(target, video, bits=self.clip.bits, has_alpha=self.clip.has_alpha)
        self.pieces = Pieces(target, self.encoding.container, self._depends_on(clip, seen))

    def _depends_on(self, clip: Path, styles: Sequence[Floats | EncodedStyle]) -> Any:
        about = clip.stat()
        return [
            str(clip.resolve()), about.st_size, about.st_mtime_ns, self.options.to_json(), asdict(self.video),
            self.stylizer.weights_hashes(self.options), [_digest(style) for style in styles],
        ]  # fmt: skip

    def paint(self, *, resume: bool, progress: ProgressCallback | None) -> Path:
        place, memory = self.pieces.resume() if resume else (Place(), {})
        if not place.pieces:
            self.pieces.begin()
        prepare_for_forks()
        writer = Writer(self.painter, self.part, self.encoding, self.pieces, place)
        clock = _Clock(self.part.count, place.frames)
        stopped: BaseException | None = None
        if not place.is_over:
            stopped = self._paint(place, memory, writer, clock, progress)
        if stopped is not None and not writer.frames:
            self.pieces.remove()
            raise Cancelled("stopped before anything was painted") from None
        if not writer.frames:
            self.pieces.remove()
            raise PictureError(f"{self.clip.path}: the part that is asked for has no frames that can be decoded")
        self._write(writer, is_whole=stopped is None and self.video.end is None, seconds=clock.seconds)
        if stopped is not None:
            raise Cancelled(
                f"stopped after {writer.frames} frames; {self.target} holds them, and --resume goes on with them",
                best=self.target,
            ) from None
        self.pieces.remove()
        return self.target

    def _paint(
        self, place: Place, memory: Memory, writer: Writer, clock: "_Clock", progress: ProgressCallback | None
    ) -> BaseException | None:
        """What stopped it before the end, if anything did."""
        before: Frame | None = None
        if memory:
            before = Frame(int(memory["pts"][0]), 0, memory["source"])
            self.painter.resume(memory)
            writer.resume(memory)
        write = Behind(writer, DEPTH)
        try:
            with one_thread(), closing(ahead(self._items(place.begin, before), DEPTH)) as items:
                for item in items:
                    painted = self._painted(item)
                    write((item, painted))
                    if progress:
                        progress(clock.report(self.size, painted))
        except (Cancelled, KeyboardInterrupt) as error:
            write.close()
            writer.end(is_over=False)
            return error
        except BaseException:
            write.abandon()
            raise
        write.close()
        writer.end(is_over=True)
        return None

    def _items(self, begin: int | None, before: Frame | None) -> Iterator[Item]:
        """Frames with what moved since the last one. before: the last one that could be read."""
        for frame in self.part.frames(begin):
            if frame.pixels is None or (before is not None and frame.pixels is before.pixels):
                yield Item(frame, None)
                continue
            motion, seconds = None, 0.0
            if before is not None and self.video.steady:
                assert before.pixels is not None
                seconds = float((frame.pts - before.pts) * self.part.time_base)
                if not is_cut(before.pixels, frame.pixels):
                    motion = motion_between(before.pixels, frame.pixels)
            yield Item(frame, ShownFrame(frame.pixels, motion, seconds))
            before = frame

    def _painted(self, item: Item) -> tuple[Floats, Memory] | None:
        """None where the last frame is to be repeated."""
        if item.shown is None:
            return None
        try:
            return self.painter.paint(item.shown)
        except DivergedError as error:
            logger.warning("%s: %s; the frame before is repeated", self.part.time_of(item.frame), error)
            return None

    # --- writing ---------------------------------------------------------------------------------------------------

    def _write(self, writer: Writer, *, is_whole: bool, seconds: float) -> None:
        """The film of all pieces, all of it or nothing."""
        files, suffix = writer.files, suffix_of(self.target)
        try:
            if not suffix:
                self._write_folder(files, seconds)
                return
            with replacing(Path(os.path.realpath(self.target))) as part:
                if suffix in FILMS:
                    about = {"comment": to_description(self._record(seconds))}
                    join_film(
                        files, part, suffix, self.part, writer.over, is_whole=is_whole, is_named=self.is_named,
                        about=about,
                    )  # fmt: skip
                else:
                    write_animation(
                        files, part, suffix, self.part, self.video, writer.over, has_alpha=self.encoding.has_alpha
                    )
        except OSError as error:
            raise PictureError(f"{self.target}: it cannot be written: {reason_of(error)}") from error

    def _write_folder(self, files: Sequence[Path], seconds: float) -> None:
        make_folder(self.target)
        bits, has_alpha = self.encoding.bits, self.encoding.has_alpha
        count = write_folder(
            files, self.target, self.part, bits=bits, has_alpha=has_alpha, record=self._record(seconds)
        )
        # Of a longer film that was painted here before.
        while (rest := self.target / frame_name(count)).exists():
            rest.unlink()
            count += 1

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

    def report(self, size: tuple[int, int], painted: tuple[Floats, Memory] | None) -> Progress:
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
