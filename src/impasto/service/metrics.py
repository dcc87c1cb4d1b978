"""Counters and histograms as Prometheus reads them (text format 0.0.4)."""

import threading
from collections import defaultdict
from collections.abc import Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Numbers that only grow. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._help: dict[str, str] = {}
        self._counts: dict[str, dict[Labels, float]] = defaultdict(lambda: defaultdict(float))
        self._times: dict[str, dict[Labels, list[float]]] = defaultdict(dict)

    def count(self, name: str, about: str, amount: float = 1, **labels: str) -> None:
        """One more, or so many more."""
        with self._lock:
            self._help[name] = about
            self._counts[name][tuple(labels.items())] += amount

    def time(self, name: str, about: str, seconds: float, **labels: str) -> None:
        """A duration, into the histogram of this name."""
        with self._lock:
            self._help[name] = about
            row = self._times[name].setdefault(tuple(labels.items()), [0.0] * (len(BUCKETS) + 2))
            for number, bound in enumerate(BUCKETS):
                row[number] += seconds <= bound
            row[-2] += 1
            row[-1] += seconds

    def text(self, gauges: Sequence[tuple[str, str, float]]) -> str:
        """Everything. gauges: (name, help, value) of what goes up and down."""
        lines: list[str] = []
        with self._lock:
            for name, rows in sorted(self._counts.items()):
                lines += _head(name, self._help[name], "counter")
                lines += [f"{name}{_labels(labels)} {_number(value)}" for labels, value in rows.items()]
            for name, times in sorted(self._times.items()):
                lines += _head(name, self._help[name], "histogram")
                for labels, row in times.items():
                    lines += _histogram(name, labels, row)
        for name, about, value in gauges:
            lines += [*_head(name, about, "gauge"), f"{name} {_number(value)}"]
        return "\n".join(lines) + "\n"


def _head(name: str, about: str, kind: str) -> list[str]:
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]


def _histogram(name: str, labels: Labels, row: list[float]) -> list[str]:
    bounds = [*map(_number, BUCKETS), "+Inf"]
    lines = [
        f"{name}_bucket{_labels((*labels, ('le', bound)))} {_number(value)}"
        for bound, value in zip(bounds, row[:-1], strict=True)
    ]
    return [
        *lines,
        f"{name}_sum{_labels(labels)} {_number(row[-1])}",
        f"{name}_count{_labels(labels)} {_number(row[-2])}",
    ]


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    quoted = (value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for _, value in labels)
    return "{" + ",".join(f'{name}="{value}"' for (name, _), value in zip(labels, quoted, strict=True)) + "}"


def _number(value: float) -> str:
    return f"{int(value)}" if value == int(value) else f"{value:.6g}"
