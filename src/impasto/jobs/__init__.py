"""The one way of a picture: read, painted, written, and told of. All doors go it.

    session = Session(lambda options: api.load(options.method))
    jobs = [PaintJob(content, (style,), options, target=FileTarget(path)) for content, path in ...]
    run(jobs, session, print)

Nothing here imports PyTorch until something is read, so that a command line can plan without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from impasto.jobs.events import Event, Failed, Noted, Painted, Progressed, Skipped, Started, Stopped
from impasto.jobs.job import PaintJob
from impasto.jobs.sources import BytesSource, FileSource, Mask, PictureSource
from impasto.jobs.targets import FileTarget, PaintingTarget

if TYPE_CHECKING:
    from impasto.jobs.cache import Cache
    from impasto.jobs.pipeline import paint, paint_each, prepare, run
    from impasto.jobs.session import Session

__all__ = [
    "BytesSource",
    "Cache",
    "Event",
    "Failed",
    "FileSource",
    "FileTarget",
    "Mask",
    "Noted",
    "PaintJob",
    "Painted",
    "PaintingTarget",
    "PictureSource",
    "Progressed",
    "Session",
    "Skipped",
    "Started",
    "Stopped",
    "paint",
    "paint_each",
    "prepare",
    "run",
]

_HOMES = {"Cache": "cache", "Session": "session"} | dict.fromkeys(("paint", "paint_each", "prepare", "run"), "pipeline")


def __getattr__(name: str) -> Any:
    # What needs PyTorch.
    if name in _HOMES:
        return getattr(import_module(f"impasto.jobs.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'impasto.jobs' has no attribute '{name}'")
