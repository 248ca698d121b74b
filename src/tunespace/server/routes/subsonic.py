"""The part of the (Open)Subsonic API that finds music by sound, for music players.

``sonicSimilarity`` (version 1) with what a player needs beside it: to see that the server is there,
to look for songs, to play one and to show its picture. Ids of songs are those of tracks. Browsing,
ratings and the rest belong to a media server, and are answered as not found.

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
from tunespace.server.routes.tracks import get_artwork, get_audio, type_of
from tunespace.server.schemas import LONGEST_TEXT, file_name, printable
from tunespace.server.state import Shared

router = APIRouter(prefix="/rest", include_in_schema=False)

_VERSION = "1.16.1"
_MOST = 500
_MISSING, _WRONG, _NOT_FOUND = 10, 0, 70
_EXTENSIONS = {"sonicSimilarity": [1], "apiKeyAuthentication": [1], "formPost": [1]}
Answer = dict[str, Any]


class _Failed(Exception):  # noqa: N818 - it becomes an answer
    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


@router.api_route("/{call}", methods=["GET", "POST"])
async def answer(state: Shared, request: Request, call: str) -> Response:
    """Answers a call, in XML unless JSON is asked for."""
    asked = dict(request.query_params)
    if request.method == "POST":
        form = (await request.body()).decode("utf-8", "replace")
        from urllib.parse import parse_qsl

        asked |= dict(parse_qsl(form))
    name = call.removesuffix(".view")
    try:
        if name in ("stream", "download"):
            return await get_audio(state, _id(asked, "id"))
        if name == "getCoverArt":
            return await get_artwork(state, _id(asked, "id"), placeholder=True)
        respond = _CALLS.get(name)
        if respond is None:
            raise _Failed(
                _NOT_FOUND, f"{name} is not answered here, only what finds music by sound"
            )
        found = await state.collection.run(lambda library: respond(library, asked))
    except _Failed as failed:
        return _said(asked, {"error": {"code": failed.code, "message": str(failed)}}, "failed")
    except TunespaceError as error:
        return _said(asked, {"error": {"code": _WRONG, "message": str(error)}}, "failed")
    return _said(asked, found, "ok")


def _said(asked: dict[str, str], found: Answer, status: str) -> Response:
    whole = {
        "status": status,
        "version": _VERSION,
        "type": "tunespace",
        "serverVersion": __version__,
        "openSubsonic": True,
        **found,
    }
    if asked.get("f") == "json":
        return JSONResponse({"subsonic-response": whole})
    root = Xml.Element("subsonic-response", {"xmlns": "http://subsonic.org/restapi"})
    _fill(root, whole)
    text = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(text, media_type="application/xml")


def _fill(element: Xml.Element, values: Answer) -> None:
    """Plain values become attributes; objects and lists become elements, as Subsonic has it."""
    for name, value in values.items():
        if isinstance(value, dict):
            _fill(Xml.SubElement(element, name), value)
        elif isinstance(value, list):
            for one in value:
                child = Xml.SubElement(element, name)
                if isinstance(one, dict):
                    _fill(child, one)
                else:
                    child.text = str(one)
        else:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            element.set(name, "".join(c for c in shown if c.isprintable()))


def _ping(_: Library, __: dict[str, str]) -> Answer:
    return {}


def _license(_: Library, __: dict[str, str]) -> Answer:
    return {"license": {"valid": True}}


def _extensions(_: Library, __: dict[str, str]) -> Answer:
    return {
        "openSubsonicExtensions": [
            {"name": name, "versions": versions} for name, versions in _EXTENSIONS.items()
        ]
    }


def _token_info(_: Library, __: dict[str, str]) -> Answer:
    return {"tokenInfo": {"username": "tunespace"}}


def _music_folders(_: Library, __: dict[str, str]) -> Answer:
    return {"musicFolders": {"musicFolder": [{"id": 1, "name": "tunespace"}]}}


def _song(library: Library, asked: dict[str, str]) -> Answer:
    return {"song": _child(_track(library, _id(asked, "id")))}


def _search(library: Library, asked: dict[str, str]) -> Answer:
    """search3 by sound and by names; with nothing to look for, the library itself."""
    words = asked.get("query", "").strip().strip('"')[:LONGEST_TEXT]
    count, start = _number(asked, "songCount", 20), _number(asked, "songOffset", 0)
    if words:
        hits = library.search(
            Query(terms=(QueryTerm(Text(words)),), limit=min(_MOST, start + count) or 1)
        )
        found = [hit.track for hit in hits[start : start + count]]
    else:
        found, _ = library.tracks(start=start, limit=count)
    return {"searchResult3": {"song": [_child(track) for track in found]}}


def _similar(library: Library, asked: dict[str, str]) -> Answer:
    track = _track(library, _id(asked, "id"))
    count = _number(asked, "count", 10)
    asking = Query(terms=(QueryTerm(TrackRef(track.id)),), limit=max(1, count))
    hits = library.search(asking)[:count]
    return {
        "sonicMatch": [
            {"entry": _child(hit.track), "similarity": _similarity(hit.cosine)} for hit in hits
        ]
    }


def _similar_songs(library: Library, asked: dict[str, str]) -> Answer:
    matches = _similar(library, {"count": "50", **asked})["sonicMatch"]
    return {"similarSongs2": {"song": [match["entry"] for match in matches]}}


def _path(library: Library, asked: dict[str, str]) -> Answer:
    wanted = [_id(asked, name) for name in ("startSongId", "endSongId")]
    ends = [_track(library, id_) for id_ in wanted]
    tracks = library.path_between(*ends, count=max(2, _number(asked, "count", 25)))
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


_CALLS: dict[str, Callable[[Library, dict[str, str]], Answer]] = {
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


def _id(asked: dict[str, str], name: str) -> int:
    given = asked.get(name)
    if given is None:
        raise _Failed(_MISSING, f"required parameter is missing: {name}")
    if not given.isdecimal() or len(given) > 18:
        raise _Failed(_NOT_FOUND, "song not found")
    return int(given)


def _number(asked: dict[str, str], name: str, default: int) -> int:
    given = asked.get(name, "")
    return min(_MOST, int(given)) if given.isdecimal() and len(given) < 10 else default


def _track(library: Library, id_: int) -> Track:
    track = library.track(id_)
    if track is None:
        raise _Failed(_NOT_FOUND, "song not found")
    return track


def _similarity(cosine: float) -> float:
    """0 to 1, of which 1 is the same: the angle between the two, as a share of the largest."""
    return round(1 - math.acos(max(-1.0, min(1.0, cosine))) / math.pi, 4)


def _child(track: Track) -> Answer:
    """A song as Subsonic describes it."""
    name = file_name(track.path)
    child: Answer = {
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
        "contentType": type_of(name),
        "path": name,
    }
    if track.year is not None:
        child["year"] = track.year
    return child
