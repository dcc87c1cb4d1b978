"""The way of a picture: content, styles and masks are read, painted from, and the painting is written and told of."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from impasto import api, image
from impasto.errors import Cancelled, PictureError
from impasto.jobs.job import FINAL, Event, Failed, Painted, PaintJob, Skipped, Started, Stopped
from impasto.jobs.session import Session
from impasto.progress import Progress, ProgressCallback
from impasto.record import Record

# Pixels that are painted at once: enough to keep a GPU busy, few enough for its memory; and what stays in the caches of
# a processor, which took 1.4 times as long for each of eight pictures of 512 x 512 as for one.
BATCH_PIXELS, CACHED_PIXELS = 2**21, 2**18
# Pixels of contents that wait for it, which may be much larger than their paintings.
READ_PIXELS = 2**25

Batch = list[tuple[PaintJob, image.Picture]]


def run(
    jobs: Iterable[PaintJob],
    session: Session,
    progress: ProgressCallback | None = None,
    *,
    batch_pixels: int | None = None,
) -> Iterator[Event]:
    """Do every job, in order, and tell of it. One that fails does not stop the others.

    Of consecutive jobs with one content, it is read once; consecutive contents of one size are painted at once, where
    the method can, as many as `batch_pixels` allows: 0 for each by itself, None for what the device is good at.
    progress: hears of every step of the job that has started; raising Cancelled in it stops the run.
    """
    for event in _events(jobs, session, progress, batch_pixels):
        yield event
        if isinstance(event, Stopped) or (isinstance(event, Failed) and event.is_final):
            return


def paint(job: PaintJob, session: Session, progress: ProgressCallback | None = None) -> Painted:
    """One job. Raises what keeps it from being done, and Cancelled, with the picture so far, if `progress` does."""
    *_, event = run([job], session, progress)
    if isinstance(event, Failed | Stopped):
        raise event.error
    assert isinstance(event, Painted)
    return event


def prepare(jobs: Sequence[PaintJob], session: Session) -> None:
    """Read every style and mask before anything is painted.

    Raises PictureError, WeightsError and OptionError: without them no job can be done.
    """
    for job in jobs:
        for style in job.styles:
            session.style(style, job.options)
    for mask in dict.fromkeys(mask for job in jobs for mask in job.masks):
        session.mask(mask)


def _events(
    jobs: Iterable[PaintJob], session: Session, progress: ProgressCallback | None, batch_pixels: int | None
) -> Iterator[Event]:
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
            picture = session.read(content)
        # ImpastoError above all; but not even a mistake of ours may end a night's work at its third picture.
        except Exception as error:  # noqa: BLE001
            yield Failed(tuple(waiting), error)
            continue
        if batch and not (len(waiting) == 1 and _fits(waiting[0], picture, batch)):
            yield from _paint_batch(batch, session, progress)
            batch = []
        if len(waiting) > 1 or waiting[0].masks or not waiting[0].options.batches:
            for job in waiting:
                yield from _paint(job, picture, session, progress)
            continue
        batch.append((waiting[0], picture))
        height, width = image.fit(picture.height, picture.width, waiting[0].options.size)
        more, most = len(batch) + 1, _most(waiting[0], session, batch_pixels)
        if more * height * width > most or more * picture.height * picture.width > READ_PIXELS:
            yield from _paint_batch(batch, session, progress)
            batch = []
    yield from _paint_batch(batch, session, progress)


def _most(job: PaintJob, session: Session, batch_pixels: int | None) -> int:
    """Pixels that are painted at once."""
    if batch_pixels is not None:
        return batch_pixels
    return CACHED_PIXELS if str(session.method(job.options).device) == "cpu" else BATCH_PIXELS


def _fits(job: PaintJob, picture: image.Picture, batch: Batch) -> bool:
    """Whether a picture can be painted at once with the others."""
    first, other = batch[0]
    alike = (job.styles, job.masks, job.options) == (first.styles, first.masks, first.options)
    return alike and (picture.height, picture.width) == (other.height, other.width)


def _paint_batch(batch: Batch, session: Session, progress: ProgressCallback | None) -> Iterator[Event]:
    """Pictures of one size at once; one by one if that cannot be done."""
    paintings: list[api.Painting] = []
    if len(batch) > 1:
        first = batch[0][0]
        try:
            paintings = api.paint_batch(
                [content for _, content in batch],
                [session.style(style, first.options) for style in first.styles],
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
            yield from _paint(job, content, session, progress)
            continue
        try:
            yield _written(job, paintings[number])
        except Exception as error:  # noqa: BLE001
            yield Failed((job,), error)


def _paint(
    job: PaintJob, content: image.Picture, session: Session, progress: ProgressCallback | None
) -> Iterator[Event]:
    last, began = Progress(step=0, total=0), time.monotonic()

    def hear(step: Progress) -> None:
        nonlocal last
        last = step
        if progress:
            progress(step)
        if job.target:
            job.target.keep_step(step, unfinished)

    def unfinished(picture: image.Picture) -> Record:
        seconds = time.monotonic() - began
        record = api.make_record(picture, job.options, session.method(job.options), _names(job), seconds, last)
        return {**record, **job.facts, "finished": False, "step": last.step, "steps": last.total}

    try:
        if job.target:
            job.target.check_size(*image.fit(content.height, content.width, job.options.size))
        method = session.method(job.options)
        styles = [session.style(style, job.options) for style in job.styles]
        masks = [session.mask(mask) for mask in job.masks]
        saving = job.target.begin() if job.target else None
        yield Started(job)
        painting = api.paint(
            content, styles, job.options, stylizer=method, masks=masks, names=_names(job), progress=hear, saving=saving
        )
        yield _written(job, painting)
    except Cancelled as error:
        has_picture = isinstance(error.best, image.Picture)
        yield _stopped(job, error.best, unfinished(error.best)) if has_picture else Stopped(job, error)
    except Exception as error:  # noqa: BLE001
        yield Failed((job,), error)


def _written(job: PaintJob, painting: api.Painting) -> Painted:
    record = {**painting.record, **job.facts}
    if job.target:
        job.target.write(painting.picture, record)
    return Painted(job, painting.picture, record, painting.seconds)


def _stopped(job: PaintJob, best: image.Picture, record: Record) -> Stopped:
    """Keep the picture so far, and say where."""
    said = f"stopped at step {record['step']} of {record['steps']}"
    if not job.target:
        return Stopped(job, Cancelled(said, best=best), record)
    try:
        job.target.write(best, record)
    except PictureError as problem:
        # Not raised: the wish to stop must not end as one failure among many.
        return Stopped(job, Cancelled(f"{said}; the picture so far could not be kept: {problem}", best=best))
    return Stopped(job, Cancelled(f"{said}; {job.target} is the best picture so far", best=best), record)


def _names(job: PaintJob) -> api.Names:
    """What a painting's record calls the pictures."""
    styles, masks = ([one.name for one in sources] for sources in (job.styles, job.masks))
    return api.Names(content=job.content.name, styles=styles, masks=masks)
