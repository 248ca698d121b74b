"""Dependencies shared by the routes of one application."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

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


@dataclass(frozen=True)
class State:
    """Services of one application.

    Attributes:
        settings: Settings of the server.
        libraries: Open libraries.
        clip_encoder: Embeds uploads.
        clips: Embeddings of uploads.
        files: Reads files in worker processes.
        waveforms: Waveform peaks.
        cover_arts: Cover art.
        facets: Counts of genres, decades, artists, folders and lengths.
        transcoder: Files transcoded to FLAC.
        map_builder: Map of the library.
        index_job: Background indexing.
        metrics: Prometheus metrics.
    """

    settings: Settings
    libraries: LibraryPool
    clip_encoder: ClipEncoder
    clips: ClipCache
    files: FileReader
    waveforms: Waveforms
    cover_arts: CoverArts
    facets: FacetCache
    transcoder: Transcoder
    map_builder: MapBuilder
    index_job: IndexJob
    metrics: Metrics

    async def close(self) -> None:
        """Stop background work and close the libraries."""
        self.index_job.close()
        await self.map_builder.close()
        await self.transcoder.close()
        self.files.close()
        self.libraries.close()


async def _state(request: Request) -> State:
    # A coroutine: FastAPI runs a plain function in a thread for each request.
    state: State = request.app.state.tunespace
    return state


StateDependency = Annotated[State, Depends(_state)]
