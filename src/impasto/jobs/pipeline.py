"""The way of a picture: content, styles and masks are read, painted from, and the painting is written and told of."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from impasto import api, image
from impasto.errors import Cancelled, PictureError
from impasto.jobs.events import FINAL, Event, Failed, Listener, Noted, Painted, Progressed, Skipped, Started, Stopped
from impasto.jobs.job import PaintJob
from impasto.jobs.session import Session
from impasto.progress import Progress, ProgressCallback
from impasto.record import Record

# Pixels that are painted at once: enough to keep a machine busy, few enough for its memory.
BATCH_PIXELS = 2**21

Batch = list[tuple[PaintJob, image.Picture]]


def run(jobs: Iterable[PaintJob], session: Session, tell: Listener, *, batch_pixels: int = BATCH_PIXELS) -> None:
    """Do every job, in order, and tell of it. One that fails does not stop the others.

    Of consecutive jobs with one content, it is read once; consecutive contents of one size are painted at once, where
    the method can, as many as `batch_pixels` allows: 0 for each by itself. tell: what it raises while it hears of
    anything but progress ends the run.
    """
    for event in _outcomes(jobs, session, tell, batch_pixels):
        tell(event)
        if isinstance(event, Stopped) or (isinstance(event, Failed) and event.is_final):
            return


def paint_each(
    jobs: Iterable[PaintJob], session: Session, progress: ProgressCallback | None = None
) -> Iterator[Painted | Skipped]:
    """The same for those who want all of it: raises what keeps a job from being done, and so ends at the first one."""

    def hear(event: Event) -> None:
        if progress and isinstance(event, Progressed):
            progress(event.progress)

    for event in _outcomes(jobs, session, hear, BATCH_PIXELS):
        match event:
            case Failed() | Stopped():
                raise event.error
            case Painted() | Skipped():
                yield event


def paint(job: PaintJob, session: Session, progress: ProgressCallback | None = None) -> Painted:
    """One job. Raises what keeps it from being done, and Cancelled, with the picture so far, if `progress` does."""
    (event,) = paint_each([job], session, progress)
    assert isinstance(event, Painted)  # a target that has it already is not asked for it
    return event


def prepare(jobs: Sequence[PaintJob], session: Session, tell: Listener) -> None:
    """Read every style and mask before anything is painted.

    Raises PictureError, WeightsError and OptionError: without them no job can be done.
    """
    for job in jobs:
        for style in job.styles:
            session.style(style, job.options, tell)
    for mask in dict.fromkeys(mask for job in jobs for mask in job.masks):
        session.mask(mask, tell)


def _outcomes(jobs: Iterable[PaintJob], session: Session, tell: Listener, batch_pixels: int) -> Iterator[Event]:
    batch: Batch = []
    for content, group in groupby(jobs, key=lambda job: job.content):
        waiting = []
        for job in group:
            if job.target and job.target.is_done(job):
                yield Skipped(job)
            else:
                waiting.append(job)
        if not waiting:
            continue
        try:
            picture = content.read(session.pixel_limit)
        # ImpastoError above all; but not even a mistake of ours may end a night's work at its third picture.
        except Exception as error:  # noqa: BLE001
            yield Failed(tuple(waiting), error)
            continue
        for note in picture.notes:
            yield Noted(content, note)
        if batch and not (len(waiting) == 1 and _fits(waiting[0], picture, batch)):
            yield from _paint_batch(batch, session, tell)
            batch = []
        if len(waiting) > 1 or waiting[0].masks or not api.can_batch(waiting[0].options):
            for job in waiting:
                yield _paint(job, picture, session, tell)
            continue
        batch.append((waiting[0], picture))
        height, width = image.fit(picture.height, picture.width, waiting[0].options.size)
        if (len(batch) + 1) * height * width > batch_pixels:
            yield from _paint_batch(batch, session, tell)
            batch = []
    yield from _paint_batch(batch, session, tell)


def _fits(job: PaintJob, picture: image.Picture, batch: Batch) -> bool:
    """Whether a picture can be painted at once with the others."""
    first, other = batch[0]
    alike = (job.styles, job.masks, job.options) == (first.styles, first.masks, first.options)
    return alike and (picture.height, picture.width) == (other.height, other.width)


def _paint_batch(batch: Batch, session: Session, tell: Listener) -> Iterator[Event]:
    """Pictures of one size at once; one by one if that cannot be done."""
    paintings: list[api.Painting] = []
    if len(batch) > 1:
        first = batch[0][0]
        try:
            paintings = api.paint_batch(
                [content for _, content in batch],
                [session.style(style, first.options, tell) for style in first.styles],
                first.options,
                stylizer=session.method(first.options),
                names=[_names(job) for job, _ in batch],
            )
        except FINAL as error:
            yield Failed(tuple(job for job, _ in batch), error)
            return
        except Exception:  # noqa: BLE001  (each will say by itself what is wrong)
            paintings = []
    for number, (job, content) in enumerate(batch):
        if not paintings:
            yield _paint(job, content, session, tell)
            continue
        try:
            yield _written(job, paintings[number])
        except Exception as error:  # noqa: BLE001
            yield Failed((job,), error)


def _paint(job: PaintJob, content: image.Picture, session: Session, tell: Listener) -> Event:
    watch = _Watch(job, session, tell)
    try:
        if job.target:
            job.target.check_size(*image.fit(content.height, content.width, job.options.size))
        method = session.method(job.options)
        styles = [session.style(style, job.options, tell) for style in job.styles]
        masks = [session.mask(mask, tell) for mask in job.masks]
        saving = job.target.begin() if job.target else None
        tell(Started(job))
        painting = api.paint(
            content, styles, job.options, stylizer=method, progress=watch, saving=saving, masks=masks,
            names=_names(job),
        )  # fmt: skip
        return _written(job, painting)
    except Cancelled as error:
        return _stopped(job, error, watch)
    except Exception as error:  # noqa: BLE001
        return Failed((job,), error)


def _written(job: PaintJob, painting: api.Painting) -> Painted:
    record = {**painting.record, **job.facts}
    if job.target:
        job.target.write(painting.picture, record)
    return Painted(job, painting.picture, record, painting.seconds)


def _stopped(job: PaintJob, error: Cancelled, watch: "_Watch") -> Stopped:
    """Keep the picture so far, and say where."""
    if not isinstance(error.best, image.Picture):
        return Stopped(job, error)
    record = watch.record(error.best)
    said = f"stopped at step {record['step']} of {record['steps']}"
    if job.target:
        try:
            job.target.write(error.best, record)
        except PictureError as problem:
            # Not raised: the wish to stop must not end as one failure among many.
            said += f"; the picture so far could not be kept: {problem}"
            return Stopped(job, Cancelled(said, best=error.best))
        said += f"; {job.target} is the best picture so far"
    return Stopped(job, Cancelled(said, best=error.best), record)


class _Watch:
    """Hears of every step of one painting."""

    def __init__(self, job: PaintJob, session: Session, tell: Listener) -> None:
        self.job, self.session, self.tell = job, session, tell
        self.last = Progress(step=0, total=0)
        self.began = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        self.last = progress
        self.tell(Progressed(self.job, progress))
        if self.job.target:
            self.job.target.keep_step(progress, self.record)

    def record(self, picture: image.Picture) -> Record:
        """How an unfinished picture was made."""
        job, last, seconds = self.job, self.last, time.monotonic() - self.began
        made = api.make_record(picture, job.options, self.session.method(job.options), _names(job), seconds, last)
        return {**made, **job.facts, "finished": False, "step": last.step, "steps": last.total}


def _names(job: PaintJob) -> api.Names:
    """What a painting's record calls the pictures."""
    return api.Names(
        content=job.content.name,
        styles=[style.name for style in job.styles],
        masks=[mask.name for mask in job.masks],
    )
