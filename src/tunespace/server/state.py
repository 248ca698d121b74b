"""What the parts of a running server share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from tunespace.server.services.clip_cache import Clips
from tunespace.server.services.clip_encoder import Hearing
from tunespace.server.services.library_pool import Collection
from tunespace.server.services.transcoder import Playable
from tunespace.server.services.waveforms import Waveforms
from tunespace.server.settings import Settings

if TYPE_CHECKING:
    from tunespace.server.routes.indexing import Jobs
    from tunespace.server.routes.map import Maps
    from tunespace.server.routes.metrics import Measures


@dataclass(frozen=True)
class State:
    """Of one server."""

    settings: Settings
    collection: Collection
    hearing: Hearing
    clips: Clips
    waveforms: Waveforms
    playable: Playable
    maps: "Maps"
    jobs: "Jobs"
    measures: "Measures"


async def _state(request: Request) -> State:
    # Not a plain function: that would be run in a thread of its own for each request.
    state: State = request.app.state.tunespace
    return state


Shared = Annotated[State, Depends(_state)]
