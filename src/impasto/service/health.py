"""How a service is, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Health:
    """ready: whether jobs are taken and painted. problems: of the devices that do not paint.

    upload_bytes: of what waits or is painted. results, result_bytes: of what is kept. cache: {"styles" or "sights":
    (hits, misses)} of the workers since they were started.
    """

    ready: bool
    stopping: bool
    workers: int
    workers_ready: int
    waiting: int
    running: int
    upload_bytes: int
    results: int
    result_bytes: int
    problems: tuple[str, ...] = ()
    cache: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def gauges(self) -> list[tuple[str, str, float]]:
        """(name, help, value) for `Metrics.text`."""
        hits, misses = self.cache.get("styles", (0, 0))
        return [
            ("impasto_jobs_waiting", "Jobs in the queue.", self.waiting),
            ("impasto_jobs_running", "Jobs that are painted now.", self.running),
            ("impasto_workers_ready", "Processes that are ready to paint.", self.workers_ready),
            ("impasto_upload_bytes", "Bytes of uploads that wait or are painted.", self.upload_bytes),
            ("impasto_results", "Finished jobs that are kept.", self.results),
            ("impasto_result_bytes", "Bytes of their pictures.", self.result_bytes),
            ("impasto_style_cache_hits", "Styles that had been encoded already.", hits),
            ("impasto_style_cache_misses", "Styles that had to be encoded.", misses),
        ]
