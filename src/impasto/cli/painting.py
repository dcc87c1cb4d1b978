"""What the terminal shows of a run: a bar for the picture that is painted, a line for each that is done."""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from impasto import image
from impasto.cli.failures import Failure
from impasto.cli.terminal import Screen, write
from impasto.errors import Cancelled, ImpastoError
from impasto.jobs.file_target import FileTarget
from impasto.jobs.job import Event, Failed, Painted, PaintJob, Skipped, Started, Stopped
from impasto.progress import Progress, ProgressCallback
from impasto.record import Record, to_text

if TYPE_CHECKING:
    # Which draws with Pillow.
    from impasto.cli.sheet import Sheet


class RunDisplay:
    """Draws the events of a run on a screen and a contact sheet, and collects what failed.

    several: whether a content's name does not tell its paintings apart. json: a record per painting on stdout.
    """

    def __init__(self, screen: Screen, sheet: "Sheet | None", *, several: bool, json: bool) -> None:
        self.failures: list[Failure] = []
        self.failed: set[object] = set()
        """Keys of the contents that something failed of."""
        self._screen, self._sheet, self._several, self._json = screen, sheet, several, json
        self._show: ProgressCallback | None = None

    def draw(self, events: Iterable[Event]) -> None:
        """All of them. Raises what ends the run."""
        with ExitStack() as bar:
            for event in events:
                bar.close()
                match event:
                    case Started():
                        self._show = bar.enter_context(self._screen.painting(event.job.title))
                    case Painted():
                        self._done(event.job, event.picture, event.record)
                    case Skipped():
                        self._screen.note(f"{event.job.target}: is painted already")
                        self._show_again(event.job)
                    case Failed() if event.is_final:
                        raise event.error
                    case Failed():
                        first, *others = event.jobs
                        name = first.title if self._several and not others else first.content.name
                        self._fail(first, name, event.error)
                    case Stopped():
                        self._stop(event)

    def progress(self, progress: Progress) -> None:
        """Draw it on the bar of the picture that is painted."""
        assert self._show
        self._show(progress)

    def _done(self, job: PaintJob, picture: image.Picture, record: Record) -> None:
        if self._json:
            output = None if job.target is None else str(job.target)
            write(to_text({**record, "output": output, "finished": record.get("finished", True)}))
        self._screen.result(f"{job.target or job.title}: {record['seconds']:.1f} s")
        if self._sheet:
            self._sheet.add(job, picture)

    def _show_again(self, job: PaintJob) -> None:
        if self._sheet and isinstance(job.target, FileTarget):
            try:
                self._sheet.add(job, image.read(job.target.path))
            except ImpastoError as error:
                self._fail(job, job.title, error)

    def _fail(self, job: PaintJob, name: str, error: Exception) -> None:
        self.failures.append((name, error))
        self.failed.add(job.content.key)

    def _stop(self, event: Stopped) -> None:
        if event.record is None:
            raise event.error
        self._done(event.job, event.error.best, event.record)
        target = event.job.target
        goes_on = isinstance(target, FileTarget) and target.save_every and target.state.exists()
        raise Cancelled(f"{event.error}, and --resume goes on with it") if goes_on else event.error
