"""Application of the server: services, middleware, routes, MCP endpoint and page."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Match, Mount, Route
from starlette.types import Scope

from tunespace import __version__
from tunespace.server import error_handlers
from tunespace.server.mcp_server import make_mcp
from tunespace.server.middleware.request_guard import RequestGuard
from tunespace.server.routes import (
    embeddings,
    health,
    indexing,
    metrics,
    playlists,
    search,
    subsonic,
    tracks,
)
from tunespace.server.routes import map as map_routes
from tunespace.server.schemas import Problem
from tunespace.server.services.clip_cache import ClipCache
from tunespace.server.services.clip_encoder import ClipEncoder
from tunespace.server.services.cover_arts import CoverArts
from tunespace.server.services.facet_cache import FacetCache
from tunespace.server.services.file_reader import FileReader
from tunespace.server.services.index_job import IndexJob
from tunespace.server.services.library_pool import LibraryPool
from tunespace.server.services.map_builder import MapBuilder
from tunespace.server.services.metrics import Metrics
from tunespace.server.services.transcoder import Transcoder
from tunespace.server.services.waveforms import Waveforms
from tunespace.server.settings import Settings
from tunespace.server.state import State

# Compiled from the sources in page/.
_PAGE = Path(__file__).parent / "page"
_ROUTES = (
    health,
    search,
    tracks,
    map_routes,
    playlists,
    embeddings,
    indexing,
    subsonic,
    metrics,
)
_ERRORS = {
    400: "The body is not JSON.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site, or is not allowed.",
    404: "Not found.",
    413: "The request is too large.",
    422: "The request is not valid.",
    429: "Too many requests.",
    503: "The library cannot be used now.",
}
_PROBLEM_SCHEMA = "#/components/schemas/Problem"


class _Application(FastAPI):
    """Application whose OpenAPI document defines the error response once."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document


class _PageMount(Mount):
    """Mount of the page; it matches its own files only, so that other paths keep their errors."""

    def __init__(self) -> None:
        """Read the names of the files."""
        super().__init__("/", StaticFiles(directory=_PAGE, html=True))
        files = (path.relative_to(_PAGE) for path in _PAGE.rglob("*") if path.is_file())
        self._paths = {"/", *(f"/{path.as_posix()}" for path in files)}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a request for a file of the page."""
        is_file = scope["type"] == "http" and scope["path"] in self._paths
        return super().matches(scope) if is_file else (Match.NONE, {})


def create_app(settings: Settings) -> FastAPI:
    """Create the application that serves one library.

    Raises:
        NoLibraryError: There is no library.
        LibraryError: The library cannot be opened.
        ModelError: Its model cannot be used.

    Examples:
        >>> from tunespace.server import Settings
        >>> create_app(Settings(library="library")).title
        'tunespace'
    """
    libraries = LibraryPool(settings)
    index_job = IndexJob(libraries)
    request_metrics = Metrics()
    mcp = make_mcp(libraries, index_job if settings.allow_write else None)
    # Created before the application starts: it makes the session manager.
    mcp_app = mcp.streamable_http_app(
        stateless_http=True,
        json_response=True,
        # RequestGuard checks host names already.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    app = _create_routes(_lifespan(settings, libraries, index_job, request_metrics, mcp))
    app.router.routes.extend(mcp_app.routes)
    app.router.routes.extend(
        Route(f"{route.path}/", route.endpoint)  # some clients add the slash
        for route in mcp_app.routes
        if isinstance(route, Route)
    )
    app.router.routes.append(_PageMount())
    error_handlers.install(app)
    app.add_middleware(
        RequestGuard,
        settings=settings,
        upload_paths=search.UPLOAD_PATHS | embeddings.UPLOAD_PATHS,
        metrics=request_metrics,
    )
    return app


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of the HTTP API, as ``GET /api/openapi.json`` does.

    It needs no library. The types of the page are generated from it.

    Examples:
        >>> document = openapi_document()
        >>> sorted(document["paths"]["/api/search"])
        ['get', 'post']
    """
    return _create_routes(None).openapi()


def _create_routes(
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None,
) -> FastAPI:
    """Return an application with all routes of the HTTP API."""
    app = _Application(
        title="tunespace",
        version=__version__,
        summary="Find music with words.",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        # The built-in documentation pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        responses=_error_responses(),
        generate_unique_id_function=_operation_id,
    )
    for routes in _ROUTES:
        app.include_router(routes.router)
    return app


def _lifespan(
    settings: Settings,
    libraries: LibraryPool,
    index_job: IndexJob,
    request_metrics: Metrics,
    mcp: MCPServer[Any],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the context in which the application runs: it holds the state of the routes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        files = FileReader()
        state = State(
            settings,
            libraries,
            ClipEncoder(settings, libraries),
            ClipCache(),
            files,
            Waveforms(files),
            CoverArts(files),
            FacetCache(libraries),
            Transcoder(),
            MapBuilder(libraries),
            index_job,
            request_metrics,
        )
        app.state.tunespace = state
        unloading = asyncio.create_task(libraries.unload_when_idle(settings.idle_seconds))
        async with mcp.session_manager.run():
            yield
        unloading.cancel()
        await state.close()

    return lifespan


def _error_responses() -> dict[int | str, dict[str, Any]]:
    schema = {"schema": {"$ref": _PROBLEM_SCHEMA}}
    return {
        status: {"description": text, "content": {error_handlers.MEDIA_TYPE: schema}}
        for status, text in _ERRORS.items()
    }


def _operation_id(route: APIRoute) -> str:
    return route.operation_id or route.name
