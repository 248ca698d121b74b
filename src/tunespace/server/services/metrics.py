"""Prometheus metrics of one server."""

import time
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)


class Metrics:
    """Counters of requests, and gauges of the library.

    Attributes:
        registry: Registry of all metrics.
        requests: Requests by method, route and status.
        seconds: Time to the first byte of a response, by route.
        tracks: Number of tracks.
        indexing: 1 while the library is being updated.
    """

    def __init__(self) -> None:
        """Create metrics that start at zero."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tunespace_requests_total",
            "Requests by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "tunespace_request_seconds",
            "Time to the first byte of a response.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.tracks = Gauge("tunespace_tracks", "Tracks in the library.", registry=self.registry)
        self.indexing = Gauge(
            "tunespace_indexing",
            "1 while the library is being updated.",
            registry=self.registry,
        )

    def count(self, scope: MutableMapping[str, Any], status: int, began: float) -> None:
        """Count a response by its route, not by its path, of which there is no end.

        Args:
            scope: ASGI scope of the request.
            status: HTTP status.
            began: ``time.perf_counter()`` at the start of the request.
        """
        route = getattr(scope.get("route"), "path", "") or "other"
        self.requests.labels(scope["method"], route, str(status)).inc()
        self.seconds.labels(route).observe(time.perf_counter() - began)
