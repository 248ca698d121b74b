"""Every error as one sentence with a fitting status; no traceback leaves the server."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tunespace.errors import AudioError, QueryError, TunespaceError
from tunespace.server.schemas import Problem
from tunespace.server.services.clip_encoder import UploadError

log = logging.getLogger("tunespace.server")
MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as it is sent."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Turns all that is raised into problems."""

    @app.exception_handler(TunespaceError)
    async def _ours(_: Request, error: TunespaceError) -> JSONResponse:
        if isinstance(error, UploadError):
            return problem(error.status, str(error))
        if isinstance(error, AudioError):
            return problem(422, f"the file {error.reason}")
        if isinstance(error, QueryError):
            return problem(422, str(error))
        log.error("%s", error)
        return problem(503, str(error))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        said = []
        for one in error.errors()[:5]:
            where = ".".join(str(part) for part in one["loc"])
            said.append(f"{where}: {one['msg']}")
        return problem(422, "; ".join(said))

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))
