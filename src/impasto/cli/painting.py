"""Making the planned paintings, one after the other: keeping, resuming, stopping, and going on after a bad file."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from impasto import api, image
from impasto.cli.failures import Failure
from impasto.cli.outputs import Job
from impasto.cli.pictures import Mask, Source
from impasto.cli.terminal import LostOutputError, Screen, write
from impasto.errors import Cancelled, OptionError, PictureError, WeightsError
from impasto.files import check_output, in_unicode
from impasto.gallery import is_encoded
from impasto.masks import inverted, style_pixels
from impasto.methods import EncodedStyle, Saving, Stylizer, load_encoded
from impasto.options import Options
from impasto.progress import Progress, ProgressCallback
from impasto.record import Record, find_record, to_text
from impasto.sources import depth

# Pixels that are painted at once: enough to keep a machine busy, few enough for its memory.
BATCH_PIXELS = 2**21

# What every further painting would meet, too.
PASSED_ON = (Cancelled, OptionError, WeightsError, BrokenPipeError, LostOutputError)


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How paintings are kept.

    bits: per channel, None for the content's own. save_every: steps between two states on disk, 0 for none.
    steps: keep the picture along with each state. resume: go on from states and leave finished paintings be.
    json: a record per painting on stdout.
    """

    bits: int | None = None
    overwrite: bool = False
    pixel_limit: int = image.DEFAULT_PIXEL_LIMIT
    save_every: int = 0
    steps: bool = False
    resume: bool = False
    json: bool = False


@dataclass(frozen=True)
class Result:
    """A picture that was painted, and the job that asked for it. seconds: None if it was painted by an earlier run."""

    job: Job
    picture: image.Picture
    seconds: float | None = None


@dataclass
class Studio:
    """Everything that stays the same from one painting to the next.

    inputs: files that are never overwritten, and None. masks: as words on the command line; read by `read_styles`.
    """

    stylizer: Stylizer
    options: Options
    habits: Habits
    screen: Screen
    inputs: Sequence[Any]
    masks: Sequence[Mask] = ()
    styles: dict[Source, EncodedStyle | image.Picture] = field(default_factory=dict)
    mask_pictures: list[image.Picture | None] = field(default_factory=list)

    def read(self, source: Source) -> image.Picture:
        """A picture, after saying what there is to say about it."""
        picture = image.read(source.path, pixel_limit=self.habits.pixel_limit)
        for note in picture.notes:
            self.screen.note(f"{source.name}: {note}")
        return picture

    def read_styles(self, jobs: Sequence[Job]) -> None:
        """Every style and mask once, for all jobs. Raises PictureError: without its styles no job can be done."""
        for style in dict.fromkeys(style for job in jobs for style in job.styles):
            self.styles[style] = self._read_style(style)
        self.mask_pictures = [self._read_mask(mask) for mask in self.masks]

    def _read_style(self, style: Source) -> EncodedStyle | image.Picture:
        if is_encoded(style.path):
            return load_encoded(style.path, style.name, self.options)
        picture = self.read(style)
        if not self.options.encoded or self.options.colour == "match":
            return picture
        encoded: EncodedStyle = self.stylizer.encode(style_pixels(picture), self.options, name=style.name)  # type: ignore[attr-defined]
        return encoded

    def _read_mask(self, mask: Mask) -> image.Picture | None:
        if mask.source is None:
            return None
        picture = self.read(mask.source)
        return inverted(picture) if mask.inverted else picture

    def names(self, job: Job) -> api.Names:
        """What a painting's record calls the pictures."""
        return api.Names(
            content=job.content.name,
            styles=[style.name for style in job.styles],
            masks=[mask.name for mask in self.masks],
        )

    def places(self, job: Job) -> Record:
        """Where the files lie that the record names, seen from the painting, so that --like finds them.

        Nothing is said of what lies in other parts of the machine, whose names are nobody's business.
        """
        if job.target is None:
            return {}
        lists: dict[str, list[Path | None]] = {
            "style": [None if style.packaged else style.path for style in job.styles],
            "masks": [mask.source.path if mask.source else None for mask in self.masks],
            **{name: [Path(value)] for name, value in self.options.files.items()},
        }
        places = {name: [_place(path, job.target.parent) for path in paths] for name, paths in lists.items()}
        known = {name: some for name, some in places.items() if any(some)}
        return {"places": known} if known else {}

    def check(self, job: Job) -> None:
        """Raises PictureError or OptionError if this painting could not be written."""
        if job.target is None:
            return
        replaceable = self.habits.overwrite or (self.habits.resume and self.is_finished(job) is not None)
        image.check_target(job.target, overwrite=replaceable, sources=self.inputs)
        if self.habits.bits == 16 and image.FORMATS[job.target.suffix.lower()] not in ("PNG", "TIFF"):
            raise OptionError(f"--bits 16 is for PNG and TIFF, but the output is {job.target}")
        if self.habits.save_every:
            self._check_steps(job, job.target)

    def _check_steps(self, job: Job, target: Path) -> None:
        for path in (job.state, job.step(0)):
            check_output(path, overwrite=True, sources=self.inputs)
        if self.habits.overwrite:
            return
        if job.state.exists() and not self.habits.resume:
            raise PictureError(
                f"{job.state}: an unfinished painting lies there; go on with --resume, or begin anew with --overwrite"
            )
        for path in target.parent.glob(f"{escape(target.stem)}.step*.png"):
            if self.habits.steps and not (self.habits.resume and find_record(path)):
                raise PictureError(f"{path}: a step of another painting lies there; --overwrite allows to replace it")

    def is_finished(self, job: Job) -> bool | None:
        """Whether what lies at the target is this very painting, finished or not; None if it is another picture."""
        record = find_record(job.target) if job.target else None
        if not record:
            return None
        names = self.names(job)
        expected = {
            "options": self.options.to_json(), "content": names.content, "style": names.styles, "masks": names.masks,
        }  # fmt: skip
        if {name: record.get(name, []) for name in expected} != in_unicode(expected):
            return None
        return record.get("finished") is not False

    def paint(self, job: Job, content: image.Picture) -> Result:
        """Paint and keep one picture. Raises what `api.paint` raises; Cancelled after keeping the picture so far."""
        watch = _Watch(self, job)
        if job.target is not None:
            image.check_size(job.target, *image.fit(content.height, content.width, self.options.size))
        try:
            painting = self._paint(job, content, watch)
        except Cancelled as stopped:
            if not isinstance(stopped.best, image.Picture):
                raise
            raise self._stopped(job, stopped.best, watch) from None
        self._keep(job, painting.picture, painting.record | self.places(job))
        return Result(job, painting.picture, painting.seconds)

    def can_batch(self, jobs: Sequence[Job]) -> bool:
        """Whether contents can be painted together: several, one painting of each, nothing kept in between."""
        several = len(jobs) > 1 and len({job.content for job in jobs}) == len(jobs)
        return several and self.options.batches and not self.masks and not self.habits.resume

    def paint_batch(self, batch: Sequence[tuple[Job, image.Picture]], failures: list[Failure]) -> list[Result]:
        """Paint and keep pictures of one size; one by one if they cannot be painted together."""
        if not batch:
            return []
        styles = batch[0][0].styles
        try:
            paintings = api.paint_batch(
                [content for _, content in batch],
                [self.styles[style] for style in styles],
                self.options,
                stylizer=self.stylizer,
                names=[self.names(job) for job, _ in batch],
            )
        except PASSED_ON:
            raise
        except Exception:  # noqa: BLE001  (each will say by itself what is wrong)
            paintings = []
        results = []
        for number, (job, content) in enumerate(batch):
            with _noted(job.content.name, failures):
                if not paintings:
                    results.append(self.paint(job, content))
                    continue
                self._keep(job, paintings[number].picture, paintings[number].record | self.places(job))
                results.append(Result(job, paintings[number].picture, paintings[number].seconds))
        return results

    def _paint(self, job: Job, content: image.Picture, watch: "_Watch") -> api.Painting:
        saving = Saving(job.state, self.habits.save_every) if self.habits.save_every and job.target else None
        if saving and not self.habits.resume:
            saving.path.unlink(missing_ok=True)
        with self.screen.painting(job.title) as show:
            watch.show = show
            return api.paint(
                content,
                [self.styles[style] for style in job.styles],
                self.options,
                stylizer=self.stylizer,
                progress=watch,
                saving=saving,
                masks=self.mask_pictures,
                names=self.names(job),
            )

    def _keep(self, job: Job, picture: image.Picture, record: Record) -> None:
        if job.target is not None:
            bits = self.habits.bits or depth(picture, job.target)
            # What lies there was found to be replaceable before painting began.
            replaceable = self.habits.overwrite or self.habits.resume
            image.write(
                picture, job.target, bits=bits, overwrite=replaceable, record=record, sources=self.inputs
            )  # fmt: skip
        if self.habits.json:
            output = None if job.target is None else str(job.target)
            write(to_text({**record, "output": output, "finished": record.get("finished", True)}))
        seconds = f"{record['seconds']:.1f} s"
        self.screen.result(f"{job.title}: {seconds}" if job.target is None else f"{job.target}: {seconds}")

    def _stopped(self, job: Job, best: image.Picture, watch: "_Watch") -> Cancelled:
        """Keep the picture so far, and say where."""
        record = watch.record(best)
        message = f"stopped at step {record['step']} of {record['steps']}"
        try:
            self._keep(job, best, record)
        except PictureError as error:
            # Not raised: the wish to stop must not end as one failure among many.
            return Cancelled(f"{message}; the picture so far could not be kept: {error}")
        if job.target is not None:
            message += f"; {job.target} is the best picture so far"
            if self.habits.save_every and job.state.exists():
                message += ", and --resume goes on with it"
        return Cancelled(message, best=Result(job, best))


class _Watch:
    """What is told of every step of one painting: shows it, and keeps the pictures that --save-every asks for."""

    def __init__(self, studio: Studio, job: Job) -> None:
        self.studio = studio
        self.job = job
        self.show: ProgressCallback | None = None
        self.last = Progress(step=0, total=0)
        self.began = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        self.last = progress
        if self.show:
            self.show(progress)
        habits = self.studio.habits
        due = habits.steps and progress.step % habits.save_every == 0 and progress.step < progress.total
        if due and progress.preview and self.job.target is not None:
            picture = image.Picture(progress.preview())
            path = self.job.step(progress.step)
            image.write(picture, path, overwrite=True, record=self.record(picture), sources=self.studio.inputs)

    def record(self, picture: image.Picture) -> Record:
        """How an unfinished picture was made."""
        seconds = time.monotonic() - self.began
        made = api.make_record(
            picture, self.studio.options, self.studio.stylizer, self.studio.names(self.job), seconds, self.last
        )
        return (
            made | self.studio.places(self.job) | {"finished": False, "step": self.last.step, "steps": self.last.total}
        )


def paint_all(studio: Studio, jobs: Sequence[Job], keep: Callable[[Result], None]) -> list[Failure]:
    """Paint every job, in order, and hand each result to `keep`; what failed is returned.

    Raises Cancelled where a painting of many steps is interrupted; OptionError and WeightsError, which every later job
    would meet again.
    """
    failures: list[Failure] = []
    if studio.can_batch(jobs):
        _paint_batches(studio, jobs, keep, failures)
        return failures
    for content, group in groupby(jobs, key=lambda job: job.content):
        try:
            _paint_content(studio, content, list(group), keep, failures)
        except Cancelled as stopped:
            if isinstance(stopped.best, Result):
                keep(stopped.best)
            raise
    return failures


def _paint_batches(
    studio: Studio, jobs: Sequence[Job], keep: Callable[[Result], None], failures: list[Failure]
) -> None:
    """Consecutive contents of one size together, as many as BATCH_PIXELS allows."""
    waiting: list[tuple[Job, image.Picture]] = []

    def paint() -> None:
        batch, waiting[:] = list(waiting), []
        for result in studio.paint_batch(batch, failures):
            keep(result)

    for job in jobs:
        with _noted(job.content.name, failures):
            picture = studio.read(job.content)
            size = (picture.height, picture.width)
            height, width = image.fit(*size, studio.options.size)
            if waiting and ((waiting[0][1].height, waiting[0][1].width) != size or job.styles != waiting[0][0].styles):
                paint()
            waiting.append((job, picture))
            if (len(waiting) + 1) * height * width > BATCH_PIXELS:
                paint()
    paint()


def _paint_content(
    studio: Studio, content: Source, jobs: Sequence[Job], keep: Callable[[Result], None], failures: list[Failure]
) -> None:
    """All paintings of one content, which is read once."""
    with _noted(content.name, failures):
        finished = [job for job in jobs if studio.habits.resume and studio.is_finished(job)]
        for job in finished:
            studio.screen.note(f"{job.target}: is painted already")
            keep(Result(job, image.read(job.target or job.content.path)))
        waiting = [job for job in jobs if job not in finished]
        picture = studio.read(content) if waiting else None
        for job in waiting:
            with _noted(content.name if len(jobs) == 1 else job.title, failures):
                assert picture is not None
                keep(studio.paint(job, picture))


@contextmanager
def _noted(name: str, failures: list[Failure]) -> Iterator[None]:
    """Go on after an error that only one painting meets."""
    try:
        yield
    except PASSED_ON:
        raise
    # ImpastoError above all; but not even a mistake of ours may end a night's work at its third picture.
    except Exception as error:  # noqa: BLE001
        failures.append((name, error))


def _place(path: Path | None, folder: Path) -> str:
    if path is None or not path.is_file():
        return ""
    place, folder = path.resolve(), folder.resolve()
    shared = Path(os.path.commonpath([place, folder]))
    return "" if shared in Path(os.path.expanduser("~")).parents else os.path.relpath(place, folder)  # noqa: PTH111
