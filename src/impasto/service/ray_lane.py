"""An actor of a Ray cluster that has a painting process beside it, and hands on what is said to it and by it."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import impasto
from impasto.service import wire
from impasto.service.process import WORKER, WorkerProcess

POLL_SECONDS = 2.0
"""That one question for a message waits."""

Settings = dict[str, Any]
Files = Mapping[str, bytes]


class Lane:
    """The actor: one painting process on its node, and files for it.

    settings: of the message `start`. files: {path in the settings: what it holds}. Raises RuntimeError for another
    version of impasto than `version`.
    """

    def __init__(self, settings: Settings, files: Files, version: str) -> None:
        if version != impasto.__version__:
            raise RuntimeError(f"the cluster has impasto {impasto.__version__}, and the server {version}")
        self._folder = tempfile.TemporaryDirectory(prefix="impasto-lane-")
        copies = {}
        for number, (path, data) in enumerate(files.items()):
            # The name says of which style a file is, and its suffix of which kind.
            place = Path(self._folder.name, str(number), Path(path).name)
            place.parent.mkdir()
            place.write_bytes(data)
            copies[path] = str(place)
        for kind in ("styles", "weights"):
            settings = settings | {kind: {name: copies[path] for name, path in settings[kind].items()}}
        self._worker = WorkerProcess(settings, WORKER, lambda: None)

    def send(self, kind: str, blobs: Sequence[bytes], values: Mapping[str, Any]) -> None:
        """To the process."""
        self._worker.send(kind, blobs, **values)

    def receive(self) -> wire.Message | None:
        """From it; None if it says nothing for a while. Raises WorkerDiedError."""
        return self._worker.receive(POLL_SECONDS)
