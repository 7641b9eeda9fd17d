"""How often what was asked, how it was answered, how long it took: since this hub started.

Deliberately not here: what is in the database (metrics).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Final

BUCKETS: Final = (0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0)  # seconds


class Counts:
    """Requests by path and status, durations by path. Paths are those of the interface."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._sums: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}

    def add(self, path: str, status: int, seconds: float) -> None:
        """One request."""
        self._requests[path, status] += 1
        buckets = self._buckets.setdefault(path, [0] * (len(BUCKETS) + 1))
        buckets[bisect_left(BUCKETS, seconds)] += 1
        self._sums[path] += 1
        self._seconds[path] = self._seconds.get(path, 0.0) + seconds

    def lines(self) -> Iterator[str]:
        """As Prometheus reads them."""
        yield "# TYPE kioskd_hub_requests_total counter"
        for (path, status), number in sorted(self._requests.items()):
            yield f'kioskd_hub_requests_total{{path="{path}",status="{status}"}} {number}'
        yield "# TYPE kioskd_hub_request_seconds histogram"
        for path, buckets in sorted(self._buckets.items()):
            yield from self._histogram(path, buckets)

    def _histogram(self, path: str, buckets: list[int]) -> Iterator[str]:
        name = "kioskd_hub_request_seconds"
        running = 0
        for bound, number in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
            running += number
            yield f'{name}_bucket{{path="{path}",le="{bound}"}} {running}'
        yield f'{name}_sum{{path="{path}"}} {self._seconds[path]:.6f}'
        yield f'{name}_count{{path="{path}"}} {self._sums[path]}'
