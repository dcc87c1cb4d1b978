"""The process that paints: `python -m impasto.service.worker`, driven through its standard input and output.

A process rather than a thread of the server, because decoders and networks eat what strangers send: it can be killed
when a painting takes too long, die of too large a picture, or be taken over by a broken file, and the server goes on.
It also leaves the server's interpreter to the server: painting and answering do not share one lock.

From the server: `start` once, then `paint`, `look`, `video` and `cancel`. To the server: `ready`, then for each of the
first three any number of `progress` and one of `done`, `cancelled` and `failed`.
"""

import logging
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from impasto.confinement import PARTS, confine
from impasto.device import choose_device
from impasto.errors import Cancelled, DivergedError, ImpastoError, OptionError, OutOfMemoryError, PictureError
from impasto.progress import Progress
from impasto.service.wire import Message, read, write

logger = logging.getLogger("impasto.service")

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
"""Of lines in the log, of the server and of what paints for it."""
PREVIEW_SECONDS = 1.5
"""Least time between two previews of a painting."""
REPORT_SECONDS = 0.2
"""Least time between two reports."""
SWEEP_SECONDS = 1.0
"""Most time between two looks for pictures that are no longer looked at."""

# What a user can put right, and may read the reason of; others may name files of the server.
_EXPLAINED = (PictureError, OptionError, OutOfMemoryError, DivergedError)


@dataclass
class Inbox:
    """Messages of the server, read by a thread of their own, so that a job hears that it is cancelled."""

    stream: BinaryIO
    tasks: "queue.SimpleQueue[Message]" = field(default_factory=queue.SimpleQueue)
    cancelled: set[str] = field(default_factory=set)

    def listen(self) -> None:
        while (message := read(self.stream)) is not None:
            if message.kind == "cancel":
                self.cancelled.add(message.values["job"])
            else:
                self.tasks.put(message)
        # The server is gone, and nobody is left to paint for.
        os._exit(0)


def main() -> None:
    """Serve until standard input ends."""
    # What it writes are pictures and films of users.
    os.umask(0o077)
    # Ctrl-C in a terminal reaches the whole group of processes; the server decides what becomes of its jobs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    # What a library may print must not get between the messages.
    os.dup2(2, 1)
    start = read(sys.stdin.buffer)
    if start is None:
        return
    try:
        # Before there is a thread; numpy and PyTorch start some, so what imports them comes later.
        lacking = _confined(start.values.pop("confined"), start.values)
        inbox = Inbox(sys.stdin.buffer)
        threading.Thread(target=inbox.listen, daemon=True).start()
        # PyTorch comes in here, after the pipe is read from.
        from impasto.service.painter import TaskPainter

        painter = TaskPainter(**start.values)
        painter.warm_up()
    except ImpastoError as error:
        write(out, "failed", code="start", message=str(error))
        return
    write(out, "ready", lacking=lacking)
    while True:
        try:
            task = inbox.tasks.get(timeout=SWEEP_SECONDS)
        except queue.Empty:
            pass
        else:
            _serve(task, painter, inbox, out)
        painter.sweep()


def _confined(how: dict[str, Any] | None, settings: dict[str, Any]) -> dict[str, str]:
    """What this process is not kept from, and why. how: `writable` and `file_bytes`, as `confine` takes them; None if
    it shall not be confined. Raises OptionError if the device is not there."""
    if how is None:
        return dict.fromkeys(PARTS, "nobody wants it")
    settings["device"] = str(choose_device(settings["device"]))
    if settings["device"] != "cpu":
        return dict.fromkeys(PARTS, "drivers of GPUs need what is refused")
    own = [Path(name) for kind in ("styles", "weights") for name in settings[kind].values()]
    writable = [Path(name) for name in how["writable"]]
    with suppress(FileNotFoundError):  # where nothing can be written
        writable.append(Path(tempfile.gettempdir()))
    return confine(own, writable, file_bytes=how["file_bytes"])


def _serve(task: Message, painter: Any, inbox: Inbox, out: BinaryIO) -> None:
    job, report = task.values["job"], Reporter(task, inbox, out, painter)
    try:
        data = painter.do(task, report)
    except Cancelled as stopped:
        best = painter.best_so_far(stopped, task.values["format"])
        write(out, "cancelled", [best] if best else [], job=job)
    except _EXPLAINED as error:
        write(out, "failed", job=job, code=type(error).__name__, message=_for_users(error))
    except Exception:
        logger.exception("job %s", job)
        write(out, "failed", job=job, code="internal", message="something went wrong inside impasto")
        if painter.device != "cpu":
            # An error of a GPU can stay with the process. Another process begins afresh.
            sys.exit(1)
    else:
        write(out, "done", [data], job=job, cache=painter.counts())
    finally:
        inbox.cancelled.discard(job)


def _for_users(error: Exception) -> str:
    text = str(error)
    # Of the command line's ways the message knows more than the user.
    return text.replace("--size ", "a size of ") if isinstance(error, OutOfMemoryError) else text


class Reporter:
    """Called with the progress of one job: passes it on, not too often, and stops the job that was cancelled."""

    def __init__(self, task: Message, inbox: Inbox, out: BinaryIO, painter: Any) -> None:
        self._job, self._inbox, self._out, self._painter = task.values["job"], inbox, out, painter
        # After the last frame of a film there is more to do than to hand it over.
        self._tells_last = task.kind == "video"
        self._reported = self._previewed = time.monotonic() - PREVIEW_SECONDS

    def __call__(self, progress: Progress) -> None:
        if self._job in self._inbox.cancelled:
            raise Cancelled
        now = time.monotonic()
        if progress.step == progress.total:
            if not self._tells_last:
                return
        elif now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        blobs = []
        if progress.preview and now - self._previewed >= PREVIEW_SECONDS:
            blobs.append(self._painter.preview(progress.preview()))
            self._previewed = time.monotonic()
        values = {"step": progress.step, "total": progress.total, "seconds_left": progress.seconds_left}
        write(self._out, "progress", blobs, job=self._job, **values)


if __name__ == "__main__":
    logging.basicConfig(format=LOG_FORMAT)
    main()
