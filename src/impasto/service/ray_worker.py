"""A painting process on another machine: `python -m impasto.service.ray_worker ADDRESS`, driven as `worker` is.

It speaks the service's protocol with the service, and hands every message on to an actor of a Ray cluster, which has a
`worker` of its own beside it. So the service knows nothing of Ray: a node that dies is a process that dies. Styles and
weights travel as bytes; nothing on the other machine is named by a path of this one.
"""

import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

import ray

import impasto
from impasto.service import wire
from impasto.service.process import RayLane


def main(address: str) -> None:
    """Serve until standard input ends, or the actor does."""
    out = os.fdopen(os.dup(1), "wb")
    # What Ray may print must not get between the messages.
    os.dup2(2, 1)
    start = wire.read(sys.stdin.buffer)
    if start is None:
        return
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # A lane that is gone is given up at once, so that its place on the cluster is free.
    os.environ.setdefault("RAY_CLIENT_RECONNECT_GRACE_PERIOD", "0")
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        actor = _begin(start.values)
        first = ray.get(actor.receive.remote())
    except (ConnectionError, OSError, ray.exceptions.RayError) as error:
        # What went wrong with an actor stands at the end.
        wire.write(out, "failed", code="start", message=f"--workers {address}: {' '.join(str(error).split())[-400:]}")
        return
    threading.Thread(target=_hand_on, args=(actor,), daemon=True).start()
    try:
        _hand_back(actor, out, first)
    except (ConnectionError, OSError, ray.exceptions.RayError):
        # Threads of Ray's may wait for a cluster that is gone.
        os._exit(1)


def _begin(settings: dict[str, Any]) -> Any:
    paths = [path for kind in ("styles", "weights") for path in settings[kind].values()]
    files = {path: Path(path).read_bytes() for path in dict.fromkeys(paths)}
    place = {"num_gpus": 1} if settings["device"].startswith("cuda") else {"num_cpus": 1}
    # One thread hears while the other speaks.
    remote: Any = ray.remote(RayLane).options(max_concurrency=2, **place)
    return remote.remote(settings, ray.put(files), impasto.__version__)


def _hand_on(actor: Any) -> None:
    """From the service to the actor, in order."""
    try:
        while (message := wire.read(sys.stdin.buffer)) is not None:
            ray.get(actor.send.remote(message.kind, message.blobs, message.values))
    except (ConnectionError, OSError, ray.exceptions.RayError):
        os._exit(1)
    # The server is gone, and nobody is left to paint for; the actor ends with this process.
    os._exit(0)


def _hand_back(actor: Any, out: BinaryIO, message: wire.Message | None) -> None:
    while True:
        if message is not None:
            wire.write(out, message.kind, message.blobs, **message.values)
        message = ray.get(actor.receive.remote())


if __name__ == "__main__":
    main(sys.argv[1])
