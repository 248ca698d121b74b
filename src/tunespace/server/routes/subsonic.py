"""Search and similarity endpoints of the (Open)Subsonic API, for music players.

``sonicSimilarity`` (version 1) with what a player needs beside it: detect the server, search songs,
play a song and show its cover art. Song ids are track ids. Browsing, ratings and the rest belong to
a media server, and are answered as not found.

https://opensubsonic.netlify.app/docs/
"""

import math
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as Xml

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from tunespace import __version__
from tunespace.errors import TunespaceError
from tunespace.library import Library, Query, QueryTerm, Text, Track, TrackRef
from tunespace.server.middleware.authentication import Authentication
from tunespace.server.schemas import MAX_TEXT_LENGTH, file_name, printable
from tunespace.server.services.track_files import artwork_response, audio_response, media_type
from tunespace.server.state import StateDependency

router = APIRouter(prefix="/rest", include_in_schema=False)

_VERSION = "1.16.1"
_MAX_RESULTS = 500
_GENERIC, _MISSING, _WRONG_PASSWORD, _WRONG_KEY, _NOT_FOUND = 0, 10, 40, 44, 70
# Needs no token, as the specification asks.
_PUBLIC_CALLS = frozenset({"getOpenSubsonicExtensions"})
_EXTENSIONS = {"sonicSimilarity": [1], "apiKeyAuthentication": [1], "formPost": [1]}
Payload = dict[str, Any]


class _SubsonicError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@router.api_route("/{call}", methods=["GET", "HEAD", "POST"])
async def handle(state: StateDependency, request: Request, call: str) -> Response:
    """Handle a call; respond in XML, or in JSON if the client asks for it."""
    parameters = dict(request.query_params)
    if request.method == "POST":
        form = (await request.body()).decode("utf-8", "replace")
        from urllib.parse import parse_qsl

        parameters |= dict(parse_qsl(form))
    name = call.removesuffix(".view")
    try:
        if name not in _PUBLIC_CALLS:
            _require_token(state.settings.token, request, parameters)
        if name in ("stream", "download"):
            return await audio_response(state.libraries, state.transcoder, _id(parameters, "id"))
        if name == "getCoverArt":
            return await artwork_response(
                state.libraries, state.cover_arts, _id(parameters, "id"), placeholder=True
            )
        function = _CALLS.get(name)
        if function is None:
            raise _SubsonicError(
                _NOT_FOUND, f"{name} is not supported: this server has search and similarity only"
            )
        payload = await state.libraries.run(lambda library: function(library, parameters))
    except _SubsonicError as error:
        return _respond(
            parameters, {"error": {"code": error.code, "message": str(error)}}, "failed"
        )
    except TunespaceError as error:
        return _respond(parameters, {"error": {"code": _GENERIC, "message": str(error)}}, "failed")
    return _respond(parameters, payload, "ok")


def _require_token(token: str, request: Request, parameters: dict[str, str]) -> None:
    """Raise the protocol's error for a client that does not know the token."""
    authentication = Authentication(token)
    if authentication.is_authenticated(request.scope):
        return
    if authentication.is_subsonic_client(parameters):
        return
    if "apiKey" in parameters:
        raise _SubsonicError(_WRONG_KEY, "the API key is wrong: it is the server's token")
    if not parameters.get("p") and not (parameters.get("t") and parameters.get("s")):
        raise _SubsonicError(_MISSING, "required parameter is missing: p, t and s, or apiKey")
    raise _SubsonicError(
        _WRONG_PASSWORD, "wrong username or password: the password is the server's token"
    )


def _respond(parameters: dict[str, str], payload: Payload, status: str) -> Response:
    whole = {
        "status": status,
        "version": _VERSION,
        "type": "tunespace",
        "serverVersion": __version__,
        "openSubsonic": True,
        **payload,
    }
    if parameters.get("f") == "json":
        return JSONResponse({"subsonic-response": whole})
    root = Xml.Element("subsonic-response", {"xmlns": "http://subsonic.org/restapi"})
    _fill(root, whole)
    text = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(text, media_type="application/xml")


def _fill(element: Xml.Element, values: Payload) -> None:
    """Write plain values as attributes, and objects and lists as elements."""
    for name, value in values.items():
        if isinstance(value, dict):
            _fill(Xml.SubElement(element, name), value)
        elif isinstance(value, list):
            for entry in value:
                child = Xml.SubElement(element, name)
                if isinstance(entry, dict):
                    _fill(child, entry)
                else:
                    child.text = str(entry)
        else:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            element.set(name, "".join(c for c in shown if c.isprintable()))


def _ping(_: Library, __: dict[str, str]) -> Payload:
    return {}


def _license(_: Library, __: dict[str, str]) -> Payload:
    return {"license": {"valid": True}}


def _extensions(_: Library, __: dict[str, str]) -> Payload:
    return {
        "openSubsonicExtensions": [
            {"name": name, "versions": versions} for name, versions in _EXTENSIONS.items()
        ]
    }


def _token_info(_: Library, __: dict[str, str]) -> Payload:
    return {"tokenInfo": {"username": "tunespace"}}


def _music_folders(_: Library, __: dict[str, str]) -> Payload:
    return {"musicFolders": {"musicFolder": [{"id": 1, "name": "tunespace"}]}}


def _song(library: Library, parameters: dict[str, str]) -> Payload:
    return {"song": _child(_track(library, _id(parameters, "id")))}


def _search(library: Library, parameters: dict[str, str]) -> Payload:
    """Answer search3 by sound and names; list the library if the query is empty."""
    words = parameters.get("query", "").strip().strip('"')[:MAX_TEXT_LENGTH]
    count, start = _number(parameters, "songCount", 20), _number(parameters, "songOffset", 0)
    if words:
        hits = library.search(
            Query(terms=(QueryTerm(Text(words)),), limit=min(_MAX_RESULTS, start + count) or 1)
        )
        tracks = [hit.track for hit in hits[start : start + count]]
    else:
        tracks, _ = library.tracks(start=start, limit=count)
    return {"searchResult3": {"song": [_child(track) for track in tracks]}}


def _similar(library: Library, parameters: dict[str, str]) -> Payload:
    track = _track(library, _id(parameters, "id"))
    count = _number(parameters, "count", 10)
    query = Query(terms=(QueryTerm(TrackRef(track.id)),), limit=max(1, count))
    hits = library.search(query)[:count]
    return {
        "sonicMatch": [
            {"entry": _child(hit.track), "similarity": _similarity(hit.cosine)} for hit in hits
        ]
    }


def _similar_songs(library: Library, parameters: dict[str, str]) -> Payload:
    matches = _similar(library, {"count": "50", **parameters})["sonicMatch"]
    return {"similarSongs2": {"song": [match["entry"] for match in matches]}}


def _path(library: Library, parameters: dict[str, str]) -> Payload:
    ids = [_id(parameters, name) for name in ("startSongId", "endSongId")]
    ends = [_track(library, id_) for id_ in ids]
    tracks = library.path_between(*ends, count=max(2, _number(parameters, "count", 25)))
    first = library.vector_of(ends[0])
    return {
        "sonicMatch": [
            {
                "entry": _child(track),
                "similarity": _similarity(float(first @ library.vector_of(track))),
            }
            for track in tracks
        ]
    }


_CALLS: dict[str, Callable[[Library, dict[str, str]], Payload]] = {
    "ping": _ping,
    "getLicense": _license,
    "getOpenSubsonicExtensions": _extensions,
    "tokenInfo": _token_info,
    "getMusicFolders": _music_folders,
    "getSong": _song,
    "search3": _search,
    "getSonicSimilarTracks": _similar,
    "findSonicPath": _path,
    "getSimilarSongs2": _similar_songs,
}


def _id(parameters: dict[str, str], name: str) -> int:
    value = parameters.get(name)
    if value is None:
        raise _SubsonicError(_MISSING, f"required parameter is missing: {name}")
    if not value.isdecimal() or len(value) > 18:
        raise _SubsonicError(_NOT_FOUND, "song not found")
    return int(value)


def _number(parameters: dict[str, str], name: str, default: int) -> int:
    value = parameters.get(name, "")
    return min(_MAX_RESULTS, int(value)) if value.isdecimal() and len(value) < 10 else default


def _track(library: Library, id_: int) -> Track:
    track = library.track(id_)
    if track is None:
        raise _SubsonicError(_NOT_FOUND, "song not found")
    return track


def _similarity(cosine: float) -> float:
    """Return the angle between two vectors as 0 (opposite) to 1 (equal)."""
    return round(1 - math.acos(max(-1.0, min(1.0, cosine))) / math.pi, 4)


def _child(track: Track) -> Payload:
    """Return a track as a Subsonic song."""
    name = file_name(track.path)
    child: Payload = {
        "id": str(track.id),
        "isDir": False,
        "isVideo": False,
        "type": "music",
        "mediaType": "song",
        "title": printable(track.title),
        "artist": printable(track.artist),
        "album": printable(track.album),
        "genre": printable(track.genre),
        "duration": round(track.seconds),
        "coverArt": str(track.id),
        "suffix": name.rsplit(".", 1)[-1].lower() if "." in name else "",
        "contentType": media_type(name),
        "path": name,
    }
    if track.year is not None:
        child["year"] = track.year
    return child
