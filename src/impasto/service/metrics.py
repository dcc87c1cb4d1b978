"""How a service is: at one moment, and in numbers as Prometheus reads them, of which every one stands here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Bounds of all histograms, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the server is."""

    ready: bool
    """Whether jobs are taken and painted."""
    stopping: bool
    workers: int
    workers_ready: int
    waiting: int
    running: int
    confined: tuple[str, ...] = ()
    """What the workers are kept within, of `confinement.PARTS`."""


@dataclass(frozen=True, kw_only=True)
class ServiceHealth(Health):
    """The same, with what only its operator may know. problems: of the devices that do not paint.

    upload_bytes: of what waits or is painted. results, result_bytes: of what is kept. video_bytes: on the disk, with
    what is reserved. cache: {"styles" or "looks": (hits, misses)} of the workers since they were started.
    """

    upload_bytes: int
    results: int
    result_bytes: int
    video_bytes: float = 0.0
    problems: tuple[str, ...] = ()
    cache: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class ServiceMetrics(Collector):
    """Counters and histograms of one service, and gauges of its health whenever they are read. Safe between threads."""

    def __init__(self, health: Callable[[], ServiceHealth]) -> None:
        self._health = health
        self._registry = CollectorRegistry()
        counter = partial(Counter, registry=self._registry)
        histogram = partial(Histogram, buckets=BUCKETS, registry=self._registry)
        self.jobs = counter("impasto_jobs_total", "Jobs that ended.", ("method", "status"))
        self.rejected = counter("impasto_rejected_total", "Jobs that were not taken.", ("reason",))
        self.retries = counter("impasto_retries_total", "Jobs begun anew, as their worker had died.")
        self.worker_deaths = counter("impasto_worker_deaths_total", "Painting processes that ended.")
        self.http_requests = counter(
            "impasto_http_requests_total", "Answers to requests.", ("method", "route", "status")
        )
        self.wait_seconds = histogram("impasto_wait_seconds", "From submission to beginning.")
        self.seconds = {
            "paint": histogram("impasto_job_seconds", "From the beginning of a job to its end.", ("method",)),
            "look": histogram("impasto_look_seconds", "From the beginning of a look to its end.", ("method",)),
            "video": histogram("impasto_video_seconds", "From the beginning of a film's job to its end.", ("method",)),
        }
        self._registry.register(self)

    def ended(self, kind: str, method: str, status: str, seconds: float) -> None:
        """A job is final. kind: "paint", "look" or "video"; seconds of what is not done say nothing."""
        self.jobs.labels(method, status).inc()
        if status == "done":
            self.seconds[kind].labels(method).observe(seconds)

    def text(self) -> str:
        """Everything, in the text format 0.0.4."""
        return generate_latest(self._registry).decode()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        health = self._health()
        hits, misses = health.cache.get("styles", (0, 0))
        for name, about, value in (
            ("impasto_jobs_waiting", "Jobs in the queue.", health.waiting),
            ("impasto_jobs_running", "Jobs that are painted now.", health.running),
            ("impasto_workers_ready", "Processes that are ready to paint.", health.workers_ready),
            ("impasto_upload_bytes", "Bytes of uploads that wait or are painted.", health.upload_bytes),
            ("impasto_results", "Finished jobs that are kept.", health.results),
            ("impasto_result_bytes", "Bytes of their pictures.", health.result_bytes),
            ("impasto_video_bytes", "Bytes of films on the disk, with what is reserved.", health.video_bytes),
            ("impasto_style_cache_hits", "Styles that had been encoded already.", hits),
            ("impasto_style_cache_misses", "Styles that had to be encoded.", misses),
        ):
            yield GaugeMetricFamily(name, about, value)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: the registry need not ask how the service is before anybody reads."""
        return ()
