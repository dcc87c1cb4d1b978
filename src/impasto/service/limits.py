"""What one server gives to all of its users, and to each of them."""

import re
from dataclasses import dataclass

from impasto.errors import OptionError
from impasto.options import Checked, option

MEGA = 1_000_000
REPLICA = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""What can be a part of a server's name in the network, by which a proxy finds it."""


@dataclass(frozen=True, kw_only=True)
class Limits(Checked):
    """Bounds on waiting, work and memory."""

    queue: int = option(32, "jobs that wait, of all users together", minimum=1, maximum=100_000)
    per_user: int = option(8, "jobs of one user that wait or are painted", minimum=1, maximum=100_000)
    job_seconds: float = option(300.0, "that one painting may take", minimum=0.1, maximum=86_400, unit="s")
    styles_each: int = option(8, "styles of one painting", minimum=1, maximum=64)
    upload_mb: float = option(32.0, "size of one request", minimum=0.01, maximum=4096, unit="mb")
    waiting_mb: float = option(512.0, "size of all uploads that wait or are painted", minimum=0.01, unit="mb")
    megapixels: float = option(50.0, "of an uploaded picture", minimum=0.0001, maximum=178, unit="mp")
    result_megapixels: float = option(8.0, "of a painting", minimum=0.0001, maximum=178, unit="mp")
    uploads_mb: float = option(
        512.0, "size of all pictures that are kept to be named in requests", minimum=0.01, unit="mb"
    )
    uploads_each_mb: float = option(128.0, "size of those of one key or address", minimum=0.01, unit="mb")
    results: int = option(256, "finished paintings that are kept", minimum=1, maximum=1_000_000)
    results_mb: float = option(512.0, "size of all finished paintings", minimum=0.01, unit="mb")
    video_seconds: float = option(
        60.0, "of a film that is painted; 0 takes no films", minimum=0, maximum=86_400, unit="s"
    )
    video_megapixels: float = option(9.0, "of a frame of a film that is sent", minimum=0.0001, maximum=178, unit="mp")
    video_result_megapixels: float = option(1.0, "of a frame of a painted film", minimum=0.0001, maximum=178, unit="mp")
    video_mb: float = option(100.0, "size of one film that is sent", minimum=0.01, maximum=100_000, unit="mb")
    video_result_mb: float = option(
        300.0, "on the disk for one film while it is painted; it ends where there is no more", minimum=0.01, unit="mb"
    )
    videos_mb: float = option(4000.0, "on the disk for all films, sent and painted", minimum=0.01, unit="mb")
    videos_each_mb: float = option(1000.0, "on it for those of one key or address", minimum=0.01, unit="mb")
    video_job_seconds: float = option(1800.0, "that painting one film may take", minimum=0.1, maximum=604_800, unit="s")
    keep_seconds: float = option(600.0, "that a finished painting is kept", minimum=1, maximum=604_800, unit="s")
    stop_seconds: float = option(
        30.0, "that what is being painted is given when the service stops", minimum=0, maximum=86_400, unit="s"
    )


def check_replica(name: str) -> None:
    """Raises OptionError for a name that no server has; an empty one says that there is only this server."""
    if name and not REPLICA.fullmatch(name):
        raise OptionError(
            f"--replica is '{name[:80]}', but must be up to 63 small letters, digits and '-' between them"
        )
