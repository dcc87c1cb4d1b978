"""What the terminal shows of a run: a bar for the picture that is painted, a line for each that is done."""

from contextlib import ExitStack
from typing import Any

from impasto import image
from impasto.cli.failures import Failure
from impasto.cli.sheet import Sheet
from impasto.cli.terminal import Screen, write
from impasto.errors import Cancelled, ImpastoError
from impasto.jobs import Event, Failed, FileTarget, Noted, Painted, PaintJob, Progressed, Skipped, Started, Stopped
from impasto.record import Record, to_text


class RunDisplay:
    """Draws the events of a run on a screen and a contact sheet, and collects what failed.

    several: whether a content's name does not tell its paintings apart. json: a record per painting on stdout. Raises,
    out of the run, what ends it.
    """

    def __init__(self, screen: Screen, sheet: Sheet | None, *, several: bool, json: bool) -> None:
        self.failures: list[Failure] = []
        self._screen, self._sheet, self._several, self._json = screen, sheet, several, json
        self._bar = ExitStack()
        self._show: Any = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progressed):
            self._show(event.progress)
            return
        self._bar.close()
        match event:
            case Noted():
                self._screen.note(f"{event.source.name}: {event.text}")
            case Started():
                self._show = self._bar.enter_context(self._screen.painting(event.job.title))
            case Painted():
                self._done(event.job, event.picture, event.record)
            case Skipped():
                self._screen.note(f"{event.job.target}: is painted already")
                self._show_earlier(event.job)
            case Failed():
                self._failed(event)
            case Stopped():
                self._stopped(event)

    def _done(self, job: PaintJob, picture: image.Picture, record: Record) -> None:
        if self._json:
            output = None if job.target is None else str(job.target)
            write(to_text({**record, "output": output, "finished": record.get("finished", True)}))
        self._screen.result(f"{job.target or job.title}: {record['seconds']:.1f} s")
        if self._sheet:
            self._sheet.add(job, picture)

    def _show_earlier(self, job: PaintJob) -> None:
        if self._sheet and isinstance(job.target, FileTarget):
            try:
                self._sheet.add(job, image.read(job.target.path))
            except ImpastoError as error:
                self.failures.append((job.title, error))

    def _failed(self, event: Failed) -> None:
        if event.is_final:
            raise event.error
        first, *others = event.jobs
        name = first.title if self._several and not others else first.content.name
        self.failures.append((name, event.error))

    def _stopped(self, event: Stopped) -> None:
        if event.record is None:
            raise event.error
        self._done(event.job, event.error.best, event.record)
        target = event.job.target
        goes_on = isinstance(target, FileTarget) and target.save_every and target.state.exists()
        raise Cancelled(f"{event.error}, and --resume goes on with it") if goes_on else event.error
