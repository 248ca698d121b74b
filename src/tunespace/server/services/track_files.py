"""Responses with the audio and the cover art of a track."""

import os
import stat
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from fastapi.responses import FileResponse, Response

from tunespace.library import Library, Track
from tunespace.server.services.cover_arts import CoverArts
from tunespace.server.services.library_pool import LibraryPool
from tunespace.server.services.transcoder import Transcoder

# Media types for browsers; other files are sent as bytes.
_MEDIA_TYPES = {
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".webm": "audio/webm",
}
_OTHER = "application/octet-stream"
AUDIO_TYPES = (_OTHER, *sorted(set(_MEDIA_TYPES.values())))
"""Media types of audio responses."""

IMAGE_TYPES = (_OTHER, "image/gif", "image/jpeg", "image/png", "image/svg+xml", "image/webp")
"""Media types of cover art."""

_CACHE_HEADERS = {"cache-control": "private, max-age=86400"}


def binary_content(types: Sequence[str]) -> dict[str, Any]:
    """Return the contents of a binary response for the contract; generators know no ``audio/*``."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    return dict.fromkeys(types, schema)


def media_type(name: str) -> str:
    """Return the media type of an audio file by its name."""
    return _MEDIA_TYPES.get(Path(name).suffix.lower(), _OTHER)


async def find_track(libraries: LibraryPool, id_: int) -> Track:
    """Return a track.

    Raises:
        HTTPException: There is no such track.
    """

    def find(library: Library) -> Track | None:
        return library.track(id_)

    track = await libraries.run(find)
    if track is None:
        raise HTTPException(404, f"the library has no track {id_}")
    return track


async def audio_response(
    libraries: LibraryPool, transcoder: Transcoder, id_: int, *, as_flac: bool = False
) -> FileResponse:
    """Return the audio file of a track, as it is or transcoded to FLAC.

    Raises:
        HTTPException: There is no such track, or its file is gone.
        AudioError: The file cannot be transcoded.
    """
    file = require_file(await find_track(libraries, id_))
    if as_flac:
        file = await transcoder.flac_of(file)
    return FileResponse(file, media_type=media_type(file.name), headers=_CACHE_HEADERS)


async def artwork_response(
    libraries: LibraryPool, cover_arts: CoverArts, id_: int, *, placeholder: bool
) -> Response:
    """Return the cover art of a track: the picture in its file, or one in its folder.

    Args:
        libraries: Open libraries.
        cover_arts: Cover art of files.
        id_: Id of the track.
        placeholder: Whether to draw a picture for a track that has none.

    Raises:
        HTTPException: There is no such track, its file is gone, or it has no picture.
    """
    track = await find_track(libraries, id_)
    art = None
    try:
        art = await cover_arts.cover_of(require_file(track))
    except HTTPException:
        if not placeholder:
            raise
    if art is not None:
        return Response(art.data, media_type=art.type, headers=_CACHE_HEADERS)
    if placeholder:
        return Response(_draw(track), media_type="image/svg+xml", headers=_CACHE_HEADERS)
    raise HTTPException(404, "the track has no picture")


def require_file(track: Track) -> Path:
    """Return the path of a track's file, if it is the file that was indexed.

    The library holds real paths of regular files; a symbolic link in such a path is new.

    Raises:
        HTTPException: The file is gone, or something else has replaced it.
    """
    try:
        status = os.lstat(track.path)
        if not stat.S_ISREG(status.st_mode) or os.path.realpath(track.path) != track.path:
            raise HTTPException(404, "the file of the track is gone")
    except (OSError, ValueError) as error:
        raise HTTPException(404, "the file of the track is gone") from error
    return Path(track.path)


def _draw(track: Track) -> str:
    """Return a picture in SVG whose colours are the same for all tracks of an album."""
    name = (track.album or track.artist or track.title).casefold()
    hue = zlib.crc32(name.encode("utf-8", "replace")) % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">'
        f'<rect width="8" height="8" fill="hsl({hue} 45% 55%)"/>'
        f'<path d="M0 8L8 0V8z" fill="hsl({(hue + 40) % 360} 45% 45%)"/></svg>'
    )
