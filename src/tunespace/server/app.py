"""The application: all parts put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from mcp.server.transport_security import TransportSecuritySettings

from tunespace import __version__
from tunespace.library import Library
from tunespace.server import error_handlers
from tunespace.server.mcp_server import make_mcp
from tunespace.server.middleware.request_guard import Guard
from tunespace.server.routes import (
    embeddings,
    indexing,
    metrics,
    playlists,
    search,
    subsonic,
    tracks,
)
from tunespace.server.routes import map as map_routes
from tunespace.server.routes.indexing import Jobs
from tunespace.server.routes.map import Maps
from tunespace.server.routes.metrics import Measures
from tunespace.server.schemas import Health, Problem
from tunespace.server.services.clip_cache import Clips
from tunespace.server.services.clip_encoder import Hearing
from tunespace.server.services.library_pool import Collection
from tunespace.server.services.transcoder import Playable
from tunespace.server.services.waveforms import Waveforms
from tunespace.server.settings import Settings
from tunespace.server.state import Shared, State

# Compiled from page/; see there.
_PAGE = Path(__file__).parent / "page"
_REFUSALS = {
    401: "The token is missing or wrong.",
    403: "A page of another site asks.",
    404: "There is no such thing.",
    413: "Too large.",
    422: "It cannot be answered as it stands.",
    429: "Too many requests.",
    503: "The library cannot be used now.",
}


_PROBLEM = "#/components/schemas/Problem"


class _Application(FastAPI):
    """Knows what every refusal looks like once, not once for each operation."""

    def openapi(self) -> dict[str, Any]:
        contract = super().openapi()
        contract["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return contract


def create_app(settings: Settings) -> FastAPI:
    """A server of one library.

    Raises:
        LibraryError: There is no library, or it cannot be opened.
        ModelError: Its model cannot be used.
    """
    collection = Collection(settings)
    running = Jobs(collection)
    tools = make_mcp(collection, running if settings.allow_write else None)
    # Each request by itself: nothing of a conversation is kept here. Names are checked by the
    # guard already.
    spoken = tools.streamable_http_app(
        stateless_http=True,
        json_response=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    measures = Measures()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.tunespace = State(
            settings,
            collection,
            Hearing(settings, collection.model.folder),
            Clips(),
            waveforms := Waveforms(),
            playable := Playable(),
            drawn := Maps(collection),
            running,
            measures,
        )
        idle = asyncio.create_task(collection.unload_when_idle(settings.idle_seconds))
        async with tools.session_manager.run():
            yield
        idle.cancel()
        running.close()
        await drawn.close()
        await playable.close()
        waveforms.close()
        collection.close()

    app = _Application(
        title="tunespace",
        version=__version__,
        summary="Find music with words.",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        # Their pages would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        responses={
            status: {
                "description": said,
                "content": {error_handlers.MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}}},
            }
            for status, said in _REFUSALS.items()
        },
        generate_unique_id_function=_operation_id,
    )
    for part in (
        search,
        tracks,
        map_routes,
        playlists,
        embeddings,
        indexing,
        subsonic,
        metrics,
    ):
        app.include_router(part.router)

    @app.get("/health", tags=["server"], operation_id="health")
    async def health(state: Shared) -> Health:
        """Whether the server works."""

        def ask(library: Library) -> tuple[int, int]:
            return len(library), library.count_failed()

        found, failed = await state.collection.run(ask)
        return Health(
            tracks=found,
            failed=failed,
            model=state.collection.model.name,
            version=__version__,
            writable=settings.allow_write,
        )

    app.router.routes.extend(spoken.routes)
    app.mount("/", StaticFiles(directory=_PAGE, html=True))
    error_handlers.install(app)
    streams = search.UPLOADS | embeddings.UPLOADS
    app.add_middleware(Guard, settings=settings, streams=streams, measures=measures)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.operation_id or route.name
