import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from starlette.testclient import TestClient

Client = Callable[..., TestClient]


def response_of(api: TestClient, call: str, **given: object) -> Any:  # noqa: ANN401 - JSON
    asked = {name: str(value) for name, value in given.items()} | {"f": "json", "v": "1.16.1"}
    answer = api.get(f"/rest/{call}", params=asked)
    assert answer.status_code == 200
    return answer.json()["subsonic-response"]


def ids(api: TestClient) -> dict[str, int]:
    return {t["title"].split()[0]: t["id"] for t in api.get("/api/tracks").json()["tracks"]}


def test_similar_tracks_come_with_how_similar_they_are(client: Client) -> None:
    api = client()
    found = response_of(api, "getSonicSimilarTracks.view", id=ids(api)["low"], count=5)
    assert (found["status"], found["openSubsonic"], found["type"]) == ("ok", True, "tunespace")
    assert [m["entry"]["title"] for m in found["sonicMatch"]] == ["middle tone", "high tone"]
    values = [m["similarity"] for m in found["sonicMatch"]]
    assert 1 >= values[0] > values[1] >= 0
    entry = found["sonicMatch"][1]["entry"]
    assert entry["id"] == str(ids(api)["high"])
    assert (entry["duration"], entry["year"], entry["suffix"]) == (2, 2005, "flac")
    assert entry["contentType"] == "audio/flac"
    assert (
        len(response_of(api, "getSonicSimilarTracks", id=ids(api)["low"], count=1)["sonicMatch"])
        == 1
    )
    songs = response_of(api, "getSimilarSongs2", id=ids(api)["low"])["similarSongs2"]["song"]
    assert [song["title"] for song in songs] == ["middle tone", "high tone"]


def test_a_path_has_the_given_ends(client: Client) -> None:
    api = client()
    found = response_of(
        api, "findSonicPath", startSongId=ids(api)["low"], endSongId=ids(api)["high"]
    )
    assert [m["entry"]["title"] for m in found["sonicMatch"]] == [
        "low tone",
        "middle tone",
        "high tone",
    ]
    assert found["sonicMatch"][0]["similarity"] == 1.0


def test_players_find_the_endpoints(client: Client, library: Path) -> None:
    api = client()
    assert response_of(api, "ping")["status"] == "ok"
    extensions = response_of(api, "getOpenSubsonicExtensions")["openSubsonicExtensions"]
    assert {"name": "sonicSimilarity", "versions": [1]} in extensions
    low = ids(api)["low"]
    assert response_of(api, "getSong", id=low)["song"]["title"] == "low tone"
    songs = response_of(api, "search3", query="low")["searchResult3"]["song"]
    assert songs[0]["title"] == "low tone"
    assert len(response_of(api, "search3", query="")["searchResult3"]["song"]) == 3
    sound = api.get("/rest/stream", params={"id": low})
    assert sound.content == (library.parent / "music" / "low.flac").read_bytes()
    head = api.head("/rest/stream", params={"id": low})
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(sound.content)
    assert (
        api.get("/rest/getCoverArt", params={"id": low}).headers["content-type"] == "image/svg+xml"
    )
    posted = api.post("/rest/getSong", data={"id": str(low), "f": "json"})
    assert posted.json()["subsonic-response"]["song"]["title"] == "low tone"


def test_the_default_format_is_xml(client: Client) -> None:
    api = client()
    answer = api.get("/rest/getSonicSimilarTracks", params={"id": ids(api)["low"]})
    assert answer.headers["content-type"].startswith("application/xml")
    root = Xml.fromstring(answer.text)  # noqa: S314 - our own answer
    space = "{http://subsonic.org/restapi}"
    assert (root.tag, root.get("status")) == (f"{space}subsonic-response", "ok")
    match = root.find(f"{space}sonicMatch")
    assert match is not None
    assert float(match.get("similarity", "")) > 0
    entry = match.find(f"{space}entry")
    assert entry is not None
    assert (entry.get("title"), entry.get("isDir")) == ("middle tone", "false")


@pytest.mark.parametrize(
    ("call", "given", "code"),
    [
        ("getSong", {}, 10),
        ("getSong", {"id": "999"}, 70),
        ("getSong", {"id": "../../etc/passwd"}, 70),
        ("getSonicSimilarTracks", {"id": "x"}, 70),
        ("findSonicPath", {"startSongId": "1"}, 10),
        ("deletePlaylist", {"id": "1"}, 70),
        ("search3", {"query": "zzz"}, 0),
    ],
)
def test_errors_have_their_codes(
    client: Client, call: str, given: dict[str, str], code: int
) -> None:
    found = response_of(client(), call, **given)
    assert found["status"] == "failed"
    assert found["error"]["code"] == code


def test_players_authenticate_in_their_own_ways(client: Client) -> None:
    api = client(token="secret")
    hashed = hashlib.md5(b"secretsalt").hexdigest()  # noqa: S324 - the protocol
    for given in (
        {"apiKey": "secret"},
        {"u": "x", "p": "secret"},
        {"u": "x", "p": "enc:" + b"secret".hex()},
        {"u": "x", "t": hashed, "s": "salt"},
    ):
        assert response_of(api, "ping", **given)["status"] == "ok", given
        posted = api.post("/rest/ping", data=given | {"f": "json"})
        assert posted.json()["subsonic-response"]["status"] == "ok", given
    refused: list[tuple[dict[str, str], int]] = [
        ({}, 10),
        ({"u": "x"}, 10),
        ({"apiKey": "wrong"}, 44),
        ({"u": "x", "p": "wrong"}, 40),
        ({"u": "x", "p": "enc:zz"}, 40),
        ({"u": "x", "t": hashed, "s": "other"}, 40),
        ({"u": "x", "t": hashlib.md5(b"secret").hexdigest(), "s": ""}, 10),  # noqa: S324
    ]
    for given, code in refused:
        answer = response_of(api, "ping", **given)
        assert (answer["status"], answer["error"]["code"]) == ("failed", code), given
        posted = api.post("/rest/ping.view", data=given | {"f": "json"})
        assert posted.json()["subsonic-response"]["error"]["code"] == code, given
    # A program finds out how to log in without logging in.
    extensions = response_of(api, "getOpenSubsonicExtensions")
    assert {"name": "formPost", "versions": [1]} in extensions["openSubsonicExtensions"]
    for call in ("stream", "getCoverArt", "search3", "nothing"):
        assert response_of(api, call, id=1)["error"]["code"] == 10
    for path in ("/rest/", "/rest/ping/x", "/rest/../api/tracks", "/rest"):
        assert api.get(path).status_code == 401, path
    assert api.get("/api/tracks", params={"apiKey": "secret"}).status_code == 401
