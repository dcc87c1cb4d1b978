"""The service behind the web page, the HTTP API and the bot: a queue in front of processes that paint.

    with Service() as service:
        job = service.submit(PaintRequest(content=photo, styles=("swirls",)), user="somebody")
        service.wait(job.id)
        painting = service.result(job.id).data

Nothing here imports PyTorch; only the processes do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impasto.service.job import Failure, JobResult, Snapshot, Status
    from impasto.service.limits import Limits
    from impasto.service.metrics import ServiceHealth
    from impasto.service.offer import Offer, styles_in
    from impasto.service.request import FORMATS, VIDEO_FORMATS, PaintRequest, SentVideo, VideoRequest
    from impasto.service.service import Service, changes, finished

__all__ = [
    "FORMATS",
    "VIDEO_FORMATS",
    "Failure",
    "JobResult",
    "Limits",
    "Offer",
    "PaintRequest",
    "SentVideo",
    "Service",
    "ServiceHealth",
    "Snapshot",
    "Status",
    "VideoRequest",
    "changes",
    "finished",
    "styles_in",
]

_HOMES = {
    "FORMATS": "request", "Failure": "job", "ServiceHealth": "metrics", "Limits": "limits", "Offer": "offer",
    "PaintRequest": "request", "JobResult": "job", "Service": "service", "Snapshot": "job", "Status": "job",
    "VIDEO_FORMATS": "request", "SentVideo": "request", "VideoRequest": "request",
    "changes": "service", "finished": "service", "styles_in": "offer",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # The command line reads the limits for its help, and must not load what reads pictures for that.
    if name in _HOMES:
        return getattr(import_module(f"impasto.service.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'impasto.service' has no attribute '{name}'")
