"""Metrics of the server for Prometheus."""

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from tunespace.server.state import StateDependency

router = APIRouter(tags=["server"])


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(state: StateDependency) -> Response:
    """Return metrics in the text format of Prometheus."""
    state.metrics.tracks.set(await state.libraries.run(len))
    state.metrics.indexing.set(state.index_job.is_running)
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
