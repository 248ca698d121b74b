"""What the parts of a running server share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from tunespace.server.clips import Clips
from tunespace.server.collection import Collection
from tunespace.server.hearing import Hearing
from tunespace.server.playable import Playable
from tunespace.server.settings import Settings
from tunespace.server.waveforms import Waveforms

if TYPE_CHECKING:
    from tunespace.server.jobs import Jobs
    from tunespace.server.maps import Maps
    from tunespace.server.measuring import Measures


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
