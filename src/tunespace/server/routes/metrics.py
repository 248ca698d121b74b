"""Numbers about the server, for Prometheus."""

import time
from collections.abc import MutableMapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from tunespace.server.state import Shared

router = APIRouter(tags=["server"])
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)


class Measures:
    """Of one server."""

    def __init__(self) -> None:
        """Starts at zero."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tunespace_requests_total",
            "Requests by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "tunespace_request_seconds",
            "Time to the first byte of an answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.tracks = Gauge("tunespace_tracks", "Tracks of the library.", registry=self.registry)
        self.indexing = Gauge(
            "tunespace_indexing",
            "1 while the library is brought up to date.",
            registry=self.registry,
        )

    def count(self, scope: MutableMapping[str, Any], status: int, began: float) -> None:
        """Counts an answer; routes and not addresses, of which there is no end."""
        route = getattr(scope.get("route"), "path", "") or "other"
        self.requests.labels(scope["method"], route, str(status)).inc()
        self.seconds.labels(route).observe(time.perf_counter() - began)


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(state: Shared) -> Response:
    """Numbers in Prometheus' text format."""
    measures = state.measures
    measures.tracks.set(await state.collection.run(len))
    measures.indexing.set(state.jobs.is_running)
    return Response(generate_latest(measures.registry), media_type=CONTENT_TYPE_LATEST)
