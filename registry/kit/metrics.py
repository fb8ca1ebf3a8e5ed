"""Counters and histograms of this process in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_MS: Final = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = Mapping[str, str]


class Metrics:
    """What one process has done since it started; may be used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._durations: defaultdict[str, list[int]] = defaultdict(
            lambda: [0] * (len(BUCKETS_MS) + 1)
        )
        self._sums_us: Counter[str] = Counter()
        self._limited = 0

    def note_request(self, method: str, route: str, status: int, microseconds: int) -> None:
        """Count a request.

        Args:
            method: HTTP method.
            route: Template of its path, never the path itself.
            status: Status of the answer.
            microseconds: Time until its end.
        """
        bucket = bisect_left(BUCKETS_MS, microseconds / 1000)
        with self._lock:
            self._requests[method, route, status] += 1
            self._durations[route][bucket] += 1
            self._sums_us[route] += microseconds

    def note_limited(self) -> None:
        """Count a request that was refused because its client asks too often."""
        with self._lock:
            self._limited += 1

    def render(self, gauges: Mapping[str, tuple[str, int]]) -> str:
        """Return everything as text.

        Args:
            gauges: Help text and value by name, read at this moment.
        """
        with self._lock:
            requests = sorted(self._requests.items())
            durations = sorted((route, list(counts)) for route, counts in self._durations.items())
            sums, limited = dict(self._sums_us), self._limited
        lines = _head("lancang_http_requests_total", "counter", "Requests answered.")
        lines += [
            _sample(
                "lancang_http_requests_total",
                {"method": method, "route": route, "status": str(status)},
                count,
            )
            for (method, route, status), count in requests
        ]
        name = "lancang_http_request_duration_seconds"
        lines += _head(name, "histogram", "Time until the end of an answer.")
        for route, counts in durations:
            lines += _histogram(name, route, counts, sums[route])
        name = "lancang_http_rate_limited_total"
        lines += [*_head(name, "counter", "Requests refused as too many."), f"{name} {limited}"]
        for name, (text, value) in sorted(gauges.items()):
            lines += [*_head(name, "gauge", text), f"{name} {int(value)}"]
        return "\n".join(lines) + "\n"


def _histogram(name: str, route: str, counts: list[int], sum_us: int) -> Iterable[str]:
    total = 0
    bounds = [*(f"{bound // 1000}.{bound % 1000:03}" for bound in BUCKETS_MS), "+Inf"]
    for bound, count in zip(bounds, counts, strict=True):
        total += count
        yield _sample(f"{name}_bucket", {"route": route, "le": bound}, total)
    yield _sample(f"{name}_sum", {"route": route}, f"{sum_us // 10**6}.{sum_us % 10**6:06}")
    yield _sample(f"{name}_count", {"route": route}, total)


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _sample(name: str, labels: Labels, value: int | str) -> str:
    inner = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
    return f"{name}{{{inner}}} {value}"
