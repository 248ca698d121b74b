"""Health of the server."""

from fastapi import APIRouter, Request

from tunespace import __version__
from tunespace.library import Library
from tunespace.server.middleware.authentication import Authentication
from tunespace.server.schemas import Health
from tunespace.server.state import StateDependency

router = APIRouter(tags=["server"])


@router.get("/health", operation_id="health", response_model_exclude_none=True)
async def health(state: StateDependency, request: Request) -> Health:
    """Return that the server works, and facts about the library to clients with the token."""
    if not Authentication(state.settings.token).is_authenticated(request.scope):
        await state.libraries.run(lambda library: library.generation)
        return Health()

    def count(library: Library) -> tuple[str, int, int]:
        return library.identity, len(library), library.count_failed()

    identity, tracks, failed = await state.libraries.run(count)
    return Health(
        library=identity,
        tracks=tracks,
        failed=failed,
        model=state.libraries.model.name,
        version=__version__,
        writable=state.settings.allow_write,
    )
