"""Error responses: problem details (RFC 9457) with one sentence; no traceback leaves the server."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount
from starlette.types import Scope

from tunespace.errors import AudioError, QueryError, TunespaceError
from tunespace.server.schemas import Problem
from tunespace.server.services.clip_encoder import UploadError

log = logging.getLogger("tunespace.server")
MEDIA_TYPE = "application/problem+json"
_MAX_VALIDATION_ERRORS = 5
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an error response.

    Args:
        status: HTTP status.
        detail: Cause, in one sentence.
        headers: Further headers.
    """
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make an application answer all exceptions with error responses."""

    @app.exception_handler(TunespaceError)
    async def _tunespace_error(_: Request, error: TunespaceError) -> JSONResponse:
        if isinstance(error, UploadError):
            return problem(error.status, str(error))
        if isinstance(error, AudioError):
            return problem(422, f"the file {error.reason}")
        if isinstance(error, QueryError):
            return problem(422, str(error))
        log.error("%s", error)
        return problem(503, str(error))

    @app.exception_handler(RequestValidationError)
    async def _invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
        messages = []
        for fault in error.errors()[:_MAX_VALIDATION_ERRORS]:
            where = ".".join(str(part) for part in fault["loc"])
            messages.append(f"{where}: {fault['msg']}")
        return problem(422, "; ".join(messages))

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed_methods(app, request.scope))
        return problem(error.status_code, str(error.detail), headers)


def _allowed_methods(app: FastAPI, scope: Scope) -> list[str]:
    """Return the methods that a path takes; a route by itself knows only its own."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**scope, "method": method})[0] is Match.FULL
            for route in app.router.routes
            if not isinstance(route, Mount)
        )
    ] or ["GET", "HEAD"]  # a file of the page
