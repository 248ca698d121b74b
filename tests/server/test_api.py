import base64
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import sounds
import tunespace
from polling import wait_until
from tunespace.library import Library

Client = Callable[..., TestClient]


def titles(answer: Any) -> list[str]:  # noqa: ANN401 - a response
    assert answer.status_code == 200, answer.text
    return [hit["track"]["title"] for hit in answer.json()["hits"]]


def id_of(api: Any, title: str) -> int:  # noqa: ANN401 - a client
    found = api.get("/api/tracks").json()["tracks"]
    return int(next(track["id"] for track in found if track["title"] == title))


def test_search_returns_the_hits_of_the_library(client: Client, library: Path) -> None:
    api = client()
    answer = api.get("/api/search", params={"q": "low"})
    with Library.open(library) as lib:
        assert titles(answer) == [hit.track.title for hit in lib.search("low")]
    best = answer.json()["hits"][0]
    assert best["track"]["title"] == "low tone"
    assert (best["track"]["artist"], best["track"]["year"]) == ("The Tones", 1999)
    assert best["track"]["file"] == "low.flac"
    assert 0 <= best["score"] <= 100
    assert best["end"] > best["start"]
    assert "/" not in str(best["track"])


def test_a_query_of_several_terms(client: Client) -> None:
    api = client()
    low = id_of(api, "low tone")
    assert titles(api.post("/api/search", json={"terms": [{"track": low}]}))[0] != "low tone"
    away = {"terms": [{"text": "low", "weight": -1}]}
    assert titles(api.post("/api/search", json=away))[0] == "high tone"
    filtered = {"terms": [{"text": "low"}], "where": "year > 2000"}
    assert titles(api.post("/api/search", json=filtered)) == ["high tone"]
    listed = api.post("/api/search", json={"where": 'genre = "Tones"', "limit": 2})
    assert len(titles(listed)) == 2


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"terms": [{}]}, "exactly one of text, track and clip"),
        ({"terms": [{"text": "low", "track": 1}]}, "exactly one of text, track and clip"),
        ({"terms": [{"text": "low", "weight": 1e9}]}, "weight"),
        ({"terms": [{"text": "x" * 5000}]}, "text"),
        ({"terms": [{"text": "zzz"}]}, "no word of 'zzz' is known"),
        ({"terms": [{"track": 12345}]}, "the library has no track 12345"),
        ({"terms": [{"clip": "never"}]}, "upload it again"),
        ({"terms": [{"text": "low"}] * 100}, "terms"),
        ({"limit": 0}, "limit"),
        ({"where": "1=1; drop table"}, "the filter cannot be read"),
        ({}, "the query is empty"),
        ({"path": "/etc/passwd"}, "path"),
        ([], "body"),
    ],
)
def test_invalid_requests_get_a_reason_in_one_sentence(
    client: Client, query: object, message: str
) -> None:
    answer = client().post("/api/search", json=query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert message in answer.json()["detail"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("OPTIONS", "/api/search", {"GET", "POST"}),
        ("DELETE", "/api/search", {"GET", "POST"}),
        ("GET", "/api/clips", {"POST"}),
        ("OPTIONS", "/api/tracks/1", {"GET"}),
        ("POST", "/", {"GET", "HEAD"}),
        ("PUT", "/assets/index.js", {"GET", "HEAD"}),
    ],
)
def test_a_refused_method_comes_with_those_allowed(
    client: Client, method: str, path: str, allowed: set[str]
) -> None:
    answer = client().request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_unknown_paths_are_not_found(client: Client) -> None:
    for path in ("/api/nothing", "/nothing", "/assets/nothing.js", "/assets"):
        answer = client().get(path)
        assert (answer.status_code, answer.json()["title"]) == (404, "Not Found"), path


def test_an_empty_result_has_a_reason(client: Client, library: Path, tmp_path: Path) -> None:
    api = client()

    def reason(api: TestClient, **query: object) -> str:
        answer = api.post("/api/search", json={"terms": [{"text": "low"}], **query}).json()
        assert bool(answer["hits"]) is not bool(answer["no_hits_reason"])
        return str(answer["no_hits_reason"])

    assert reason(api) == ""
    assert reason(api, where="year = 1") == "no track matches the filter"
    assert reason(api, min_score=100) == "no track has a score of 100 or more"
    everything = {"ids": [id_of(api, f"{name} tone") for name in ("low", "middle", "high")]}
    extended = api.post("/api/playlist/extend", json=everything).json()
    assert extended["hits"] == []
    assert extended["no_hits_reason"] == "no other track is left, 2 of an artist at most"
    with Library.open(tmp_path / "empty", model=str(library.parent / "model")) as empty:
        empty.index([tmp_path])
    assert reason(client(library=tmp_path / "empty")).startswith("the library has no tracks")


def test_tracks_are_listed_and_shown(client: Client, library: Path) -> None:
    api = client()
    all_ = api.get("/api/tracks").json()
    assert all_["total"] == 3
    assert [t["title"] for t in all_["tracks"]] == sorted(t["title"] for t in all_["tracks"])
    part = api.get("/api/tracks", params={"start": 1, "limit": 1}).json()
    assert part["tracks"] == all_["tracks"][1:2]
    low = id_of(api, "low tone")
    assert api.get(f"/api/tracks/{low}").json()["title"] == "low tone"
    assert api.get("/api/tracks/99999").status_code == 404
    with Library.open(library) as lib:
        [(broken, _)] = lib.failures()
        ids = {t["id"] for t in all_["tracks"]}
        assert Path(broken).name == "broken.mp3"
    for other in set(range(1, 5)) - ids:  # that of the file that could not be read
        assert api.get(f"/api/tracks/{other}").status_code == 404
    assert api.get("/api/tracks/-1").status_code == 422
    similar = api.get(f"/api/tracks/{low}/similar", params={"limit": 1})
    assert len(titles(similar)) == 1
    assert api.get(f"/api/tracks/{low}/words").status_code == 503  # the tiny model has no lexicon


def test_the_library_is_counted_for_its_filters(client: Client) -> None:
    api = client()
    found = api.get("/api/facets").json()["facets"]
    assert [(v["name"], v["count"]) for v in found["genre"]] == [("Tones", 3)]
    assert [(v["name"], v["count"]) for v in found["decade"]] == [("1990s", 1), ("2000s", 1)]
    assert [(v["name"], v["count"]) for v in found["artist"]] == [("The Tones", 3)]
    assert [(v["name"], v["count"]) for v in found["folder"]] == [("music", 3)]
    assert [(v["name"], v["count"]) for v in found["length"]] == [("under 2 minutes", 3)]
    for values in found.values():
        for value in values:
            left = api.get("/api/tracks", params={"where": value["where"]}).json()
            assert left["total"] == value["count"], value
    some = api.get("/api/facets", params={"where": "year > 2000"}).json()["facets"]
    assert [v["name"] for v in some["decade"]] == ["2000s"]


def test_a_track_has_a_waveform_and_moments(client: Client) -> None:
    api = client()
    low = id_of(api, "low tone")
    drawn = api.get(f"/api/tracks/{low}/waveform", params={"points": 50}).json()
    assert drawn["seconds"] == pytest.approx(2.0, abs=0.05)
    assert len(drawn["peaks"]) == 50
    assert 0 <= min(drawn["peaks"]) < 0.1 < max(drawn["peaks"]) <= 1
    assert drawn == api.get(f"/api/tracks/{low}/waveform", params={"points": 50}).json()
    fits, fits_not = (
        api.post(f"/api/tracks/{low}/moments", json={"terms": [{"text": text}]}).json()["moments"]
        for text in ("low", "high")
    )
    assert fits[0]["start"] == 0
    assert fits[-1]["end"] == pytest.approx(2.0, abs=0.1)
    assert min(m["score"] for m in fits) > max(m["score"] for m in fits_not)
    assert api.post(f"/api/tracks/{low}/moments", json={"terms": []}).status_code == 422


def test_sound_is_sent_whole_and_in_ranges(client: Client, library: Path) -> None:
    api = client()
    address = f"/api/tracks/{id_of(api, 'low tone')}/audio"
    file = (library.parent / "music" / "low.flac").read_bytes()
    whole = api.get(address)
    assert whole.content == file
    assert whole.headers["content-type"] == "audio/flac"
    assert whole.headers["accept-ranges"] == "bytes"
    part = api.get(address, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, file[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(file)}"
    assert api.get(address, headers={"range": "bytes=-5"}).content == file[-5:]
    assert api.get(address, headers={"range": f"bytes={len(file)}-"}).status_code == 416
    head = api.head(address)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(file)))


def test_a_link_that_replaced_a_file_is_not_followed(client: Client, library: Path) -> None:
    api = client()
    address = f"/api/tracks/{id_of(api, 'middle tone')}/audio"
    file = library.parent / "music" / "middle.flac"
    secret = library.parent / "secret"
    secret.write_text("secret")
    kept = file.with_suffix(".kept")
    file.rename(kept)
    try:
        file.symlink_to(secret)
        assert api.get(address).status_code == 404
        file.unlink()
        assert api.get(address).status_code == 404
        file.mkdir()
        assert api.get(address).status_code == 404
        file.rmdir()
        os.mkfifo(file)
        assert api.get(address).status_code == 404
        file.unlink()
    finally:
        kept.rename(file)
    assert api.get(address).status_code == 200
    folder, moved = file.parent, file.parent.with_name("moved")
    folder.rename(moved)
    try:
        folder.symlink_to(moved)  # the same file, but by a way that was not there
        assert api.get(address).status_code == 404
    finally:
        folder.unlink()
        moved.rename(folder)


def test_artwork_has_the_media_type_of_its_content(client: Client, library: Path) -> None:
    from mutagen import flac

    make: Any = flac.Picture
    open_: Any = flac.FLAC
    api = client()
    address = f"/api/tracks/{id_of(api, 'high tone')}/artwork"
    assert api.get(address).status_code == 404
    file = library.parent / "music" / "high.flac"
    kept = file.read_bytes()
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
    try:
        for data, type_, status in (
            (png, "image/jpeg", 200),
            (b"<svg onload=x>", "image/svg+xml", 404),
        ):
            picture = make()
            picture.type, picture.mime, picture.data = 3, type_, data
            tagged = open_(file)
            tagged.clear_pictures()
            tagged.add_picture(picture)
            tagged.save()
            answer = api.get(address)
            assert answer.status_code == status
            if status == 200:
                assert (answer.headers["content-type"], answer.content) == ("image/png", png)
            else:
                drawn = api.get(address, params={"placeholder": True})
                assert drawn.headers["content-type"] == "image/svg+xml"
                assert b"onload" not in drawn.content
    finally:
        file.write_bytes(kept)


def test_an_uploaded_clip_can_be_a_query(client: Client, library: Path) -> None:
    api = client()
    file = (library.parent / "music" / "low.flac").read_bytes()
    sent = api.post("/api/clips", content=file)
    assert sent.status_code == 201, sent.text
    assert sent.json()["seconds"] == pytest.approx(2.0, abs=0.1)
    query = {"terms": [{"clip": sent.json()["clip"]}]}
    assert titles(api.post("/api/search", json=query))[0] == "low tone"
    both = {"terms": [{"clip": sent.json()["clip"]}, {"text": "high", "weight": 3}]}
    assert titles(api.post("/api/search", json=both))[0] == "high tone"


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 422, "is empty"),
        (b"This is no music." * 100, 422, "is not audio"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", 422, "read"),
        (b"\0" * 300_000, 413, "larger than"),
    ],
)
def test_an_invalid_clip_is_refused(
    client: Client, content: bytes, status: int, message: str
) -> None:
    answer = client(upload_bytes=200_000).post("/api/clips", content=content)
    assert answer.status_code == status
    assert message in answer.json()["detail"]
    assert "tunespace-" not in answer.text  # nothing about where it was


def test_a_clip_that_takes_too_long_or_too_much_memory_is_refused(
    client: Client, tmp_path: Path
) -> None:
    long = sounds.wav(tmp_path / "long.wav", np.zeros(16_000 * 60, np.float32)).read_bytes()
    slow = client(upload_seconds=0.05).post("/api/clips", content=long)
    assert slow.status_code == 422
    assert "took too long" in slow.json()["detail"]
    large = client(upload_memory=50 * 2**20).post("/api/clips", content=long)
    assert large.status_code == 422
    message = large.json()["detail"]
    assert "memory" in message or "cannot be decoded" in message


def test_uploaded_files_are_deleted(
    client: Client, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    api = client(upload_bytes=100_000)
    file = (library.parent / "music" / "low.flac").read_bytes()
    for content in (file, b"nothing", b"\0" * 200_000):
        api.post("/api/clips", content=content)
    assert list(tmp_path.iterdir()) == []


def test_embeddings_are_those_of_the_model(client: Client, library: Path) -> None:
    api = client()
    model = tunespace.load_model(library.parent / "model")
    expected = model.embed_text(["low", "high"])
    answer = api.post("/v1/embeddings", json={"input": ["low", "high"], "model": "tiny"}).json()
    assert [one["index"] for one in answer["data"]] == [0, 1]
    assert np.allclose([one["embedding"] for one in answer["data"]], expected)
    coded = {"input": "low", "encoding_format": "base64"}
    message = api.post("/v1/embeddings", json=coded).json()["data"][0]["embedding"]
    assert np.array_equal(np.frombuffer(base64.b64decode(message), "<f4"), expected[0])
    file = library.parent / "music" / "low.flac"
    embedded = api.post("/v1/audio/embeddings", content=file.read_bytes()).json()
    assert np.allclose(embedded["data"][0]["embedding"], model.embed_audio([file])[0], atol=1e-6)
    assert api.post("/v1/embeddings", json={"input": "low", "model": "other"}).status_code == 404
    assert api.post("/v1/embeddings", json={"input": "low", "dimensions": 7}).status_code == 422
    assert api.post("/v1/embeddings", json={"input": []}).status_code == 422


def test_health(client: Client) -> None:
    answer = client().get("/health").json()
    assert answer["status"] == "ok"
    assert (answer["tracks"], answer["failed"], answer["model"]) == (3, 1, "tiny")


def test_a_changed_library_is_searched_in_its_new_state(
    client: Client, library: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(library, copy)
    music = tmp_path / "more"
    music.mkdir()
    api = client(library=copy)
    assert api.get("/health").json()["tracks"] == 3
    sounds.write(music / "new.flac", sounds.tone(2.0, 16_000, 310.0)[None], 16_000, "flac")
    with Library.open(copy) as lib:
        lib.index([music], workers=1)
    assert api.get("/health").json()["tracks"] == 4
    # Searches go on with the last state until the next is opened.
    wait_until(lambda: "new" in titles(api.get("/api/search", params={"q": "low"})), tries=100)
    assert "new" in titles(api.get("/api/search", params={"q": "low"}))


def test_a_library_that_was_deleted_is_served_again_when_it_is_back(
    client: Client, library: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(library, copy)
    api = client(library=copy)
    assert titles(api.get("/api/search", params={"q": "low"}))
    shutil.rmtree(copy)
    for path in ("/api/search?q=low", "/api/tracks", "/health") * 3:
        answer = api.get(path)
        assert answer.status_code == 503, path
        assert "there is no library in" in answer.json()["detail"]
    shutil.copytree(library, copy)
    for _ in range(3):
        assert titles(api.get("/api/search", params={"q": "low"}))
    assert api.get("/health").json()["tracks"] == 3


def test_concurrent_requests_are_handled(client: Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    api = client()
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda n: api.get("/api/search", params={"q": ("low", "high")[n % 2]}), range(64)
            )
        )
    for n, answer in enumerate(answers):
        assert titles(answer)[0] == ("low tone", "high tone")[n % 2]


def test_the_contract_names_all_routes(client: Client) -> None:
    contract = client().get("/api/openapi.json").json()
    assert {"/api/search", "/api/clips", "/api/tracks/{id}/audio", "/v1/embeddings"} <= set(
        contract["paths"]
    )
    ids = [
        operation["operationId"]
        for path in contract["paths"].values()
        for operation in path.values()
    ]
    assert len(ids) == len(set(ids))
    refused = contract["paths"]["/api/search"]["post"]["responses"]["422"]["content"]
    assert refused["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "detail" in contract["components"]["schemas"]["Problem"]["properties"]


def test_a_playlist_is_extended_and_exported(client: Client) -> None:
    api = client()
    low, middle, high = (id_of(api, f"{name} tone") for name in ("low", "middle", "high"))
    longer = api.post("/api/playlist/extend", json={"ids": [low], "count": 1})
    assert titles(longer) == ["middle tone"]
    assert titles(api.post("/api/playlist/extend", json={"ids": [low, middle, high]})) == []
    way = api.get("/api/path", params={"start": low, "end": high, "count": 3}).json()["tracks"]
    assert [track["title"] for track in way] == ["low tone", "middle tone", "high tone"]
    assert api.get("/api/path", params={"start": low, "end": 999}).status_code == 404
    written = api.post("/api/playlist/m3u8", json={"ids": [high, low, 999]})
    assert written.headers["content-disposition"] == 'attachment; filename="playlist.m3u8"'
    assert written.text.splitlines() == [
        "#EXTM3U",
        "#EXTINF:2,The Tones - high tone",
        "high.flac",
        "#EXTINF:2,The Tones - low tone",
        "low.flac",
    ]


def test_a_remark_refers_to_the_shown_tracks(client: Client) -> None:
    api = client()
    message = {"remark": "more like the second one, after 1990", "shown": [5, 6]}
    answer = api.post("/api/refine", json=message).json()
    assert answer["terms"] == [{"text": None, "track": 6, "weight": 0.5}]
    assert answer["where"] == "year >= 1990"
    assert api.post("/api/refine", json={"remark": ""}).status_code == 422


def test_an_idle_model_is_unloaded(client: Client) -> None:
    api = client(idle_seconds=0.2)
    assert titles(api.get("/api/search", params={"q": "low"}))[0] == "low tone"
    app: Any = api.app
    model = app.state.tunespace.libraries.model
    wait_until(lambda: "text_tower" not in vars(model), tries=100)
    assert "text_tower" not in vars(model)
    assert titles(api.get("/api/search", params={"q": "high"}))[0] == "high tone"


def test_embeddings_have_all_dimensions() -> None:
    from tunespace.server.routes.embeddings import _response

    rows = np.random.default_rng(0).normal(size=(2, 1024)).astype(np.float32)
    coded = _response(rows, "base64", "large", 2).data[1].embedding
    assert isinstance(coded, str)
    assert np.array_equal(np.frombuffer(base64.b64decode(coded), "<f4"), rows[1])
