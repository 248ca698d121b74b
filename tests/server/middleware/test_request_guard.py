import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tunespace.server import Settings, create_app
from tunespace.server.middleware.authentication import COOKIE
from tunespace.server.middleware.rate_limit import RateLimit

Client = Callable[..., TestClient]
TOKEN = "a-secret-that-nobody-knows"  # noqa: S105 - of the tests


def test_every_response_has_the_security_headers(client: Client) -> None:
    api = client(token=TOKEN)
    for answer in (api.get("/health"), api.get("/nothing"), api.get("/api/tracks")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers


def test_requests_of_other_sites_are_refused(client: Client) -> None:
    api = client()
    asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in api.options("/api/search", headers=asked).headers
    query = {"terms": [{"text": "low"}]}
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert api.post("/api/search", json=query, headers=headers).status_code == 403
    own = {"origin": "http://127.0.0.1:8731", "sec-fetch-site": "same-origin"}
    assert api.post("/api/search", json=query, headers=own).status_code == 200


def test_an_unknown_host_name_is_refused(client: Client) -> None:
    api = client(names=("music.example",))
    assert api.get("/health", headers={"host": "evil.example"}).status_code == 421
    for host in ("127.0.0.1:8731", "localhost", "[::1]:8731", "192.168.1.7:8731", "music.example"):
        assert api.get("/health", headers={"host": host}).status_code == 200, host
    for host in ("127.0.0.1:80@evil.example", "localhost:x/y", "[::1", "localhost:1:2", "", "a b"):
        assert api.get("/health", headers={"host": host}).status_code == 421, host


def test_pages_of_other_sites_cannot_send_requests_that_cost_something(client: Client) -> None:
    api = client()
    for site in ("cross-site", "same-site"):
        for path in ("/api/map", "/api/tracks/1/audio?convert=flac", "/rest/search3?query=low"):
            for mode in ("no-cors", "navigate"):
                headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
                assert api.get(path, headers=headers).status_code == 403, (path, mode)
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert api.get("/", headers=link).status_code == 200
    assert api.get("/api/map", headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_health_returns_facts_about_the_library_only_with_the_token(client: Client) -> None:
    api = client(token=TOKEN)
    assert api.get("/health").json() == {"status": "ok"}
    facts = api.get("/health", headers={"authorization": f"Bearer {TOKEN}"}).json()
    fields = {"status", "library", "tracks", "failed", "model", "version", "writable"}
    assert facts.keys() == fields
    assert facts["tracks"] > 0
    assert facts["model"] == "tiny"


def test_without_the_token_every_route_is_refused(client: Client) -> None:
    api = client(token=TOKEN)
    assert api.get("/health").status_code == 200
    for path in (
        "/",
        "/api/tracks",
        "/api/search?q=low",
        "/api/openapi.json",
        "/api/tracks/1/audio",
    ):
        assert api.get(path).status_code == 401, path
    for given in ("", "wrong", TOKEN + "x", "ü"):
        headers = {b"authorization": f"Bearer {given}".encode()}
        assert api.get("/api/tracks", headers=headers).status_code == 401
    assert api.get("/api/tracks", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert api.get("/api/tracks", headers={"authorization": f"Basic {TOKEN}"}).status_code == 401


def test_the_printed_address_puts_the_token_into_a_cookie(client: Client) -> None:
    api = client(token=TOKEN)
    assert api.get("/api/tracks?token=wrong").status_code == 401
    moved = api.get(f"/api/tracks?limit=1&token={TOKEN}")
    assert moved.status_code == 303
    # Relative: a reverse proxy may have taken a prefix away.
    assert moved.headers["location"] == "tracks?limit=1"
    cookie = moved.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert api.get("/api/tracks").status_code == 200  # the client keeps it, as browsers do
    api.cookies.clear()
    api.cookies.set(COOKIE, "wrong")
    assert api.get("/api/tracks").status_code == 401


def test_too_many_requests_are_refused(client: Client) -> None:
    api = client(requests_a_minute=5)
    answers = [api.get("/health").status_code for _ in range(7)]
    assert answers == [200] * 5 + [429] * 2
    assert api.get("/health").headers["retry-after"]


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/api/tracks/../../../etc/passwd",
        "/api/tracks/%2e%2e%2f%2e%2e/audio",
        "/api/tracks/1%00/audio",
        "//etc/passwd",
        "/etc/passwd",
        "/static/../../pyproject.toml",
        "/assets/..%5c..%5cpyproject.toml",
    ],
)
def test_no_path_leaves_the_page_folder(client: Client, path: str) -> None:
    answer = client().get(path)
    assert answer.status_code in (404, 405, 422)
    assert "root:" not in answer.text


def test_a_large_request_is_not_read(client: Client) -> None:
    answer = client().post(
        "/api/search", content=b" " * 2**20, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b'{"terms": [{"weight": NaN}]}', b"[" * 10_000, b""]
)
def test_a_garbled_request_is_refused(client: Client, content: bytes) -> None:
    answer = client().post(
        "/api/search", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_internal_errors_are_not_shown_to_clients(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("tunespace.library.Library.search", broken)
    answer = client().get("/api/search?q=low")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "ZeroDivision" not in answer.text
    assert "a secret" in caplog.text


def test_an_incomplete_request_times_out(library: Path) -> None:
    app = create_app(Settings(library=library, body_seconds=0.1))
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)
        return {}

    async def send(message: Any) -> None:  # noqa: ANN401 - of ASGI
        sent.append(message)

    async def ask(path: str) -> int:
        sent.clear()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8731),
        }
        await asyncio.wait_for(app(scope, receive, send), 5)
        return int(sent[0]["status"])

    async def both() -> tuple[int, int]:
        async with app.router.lifespan_context(app):
            return await ask("/api/search"), await ask("/api/clips")

    assert asyncio.run(both()) == (408, 408)


def test_the_number_of_concurrent_uploads_is_limited(
    client: Client, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunespace.server.services.clip_encoder._MAX_CLIPS_AT_ONCE", 0)
    file = (library.parent / "music" / "low.flac").read_bytes()
    refused = client().post("/api/clips", content=file)
    assert refused.status_code == 503
    assert "in a moment" in refused.json()["detail"]


def limited(limit: RateLimit, address: str, headers: dict[str, str] | None = None) -> bool:
    """Return whether a request is refused."""
    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return limit.refusal({"type": "http", "client": (address, 1), "headers": pairs}) is not None


def test_programs_on_this_machine_are_not_limited_without_a_token() -> None:
    limit = RateLimit(2, limit_local=False)
    assert not any(limited(limit, "127.0.0.1") for _ in range(10))
    assert [limited(limit, "10.0.0.1") for _ in range(4)] == [False, False, True, True]
    # A proxy on this machine passes the requests of others on.
    passed = [limited(limit, "127.0.0.1", {"x-forwarded-for": f"1.1.1.{n}"}) for n in range(4)]
    assert passed == [False, False, True, True]
    strict = RateLimit(2, limit_local=True)
    assert [limited(strict, "127.0.0.1") for _ in range(3)] == [False, False, True]


def test_addresses_of_one_ipv6_network_are_limited_together() -> None:
    limit = RateLimit(2, limit_local=True)
    assert [limited(limit, f"2001:db8::{n}") for n in range(3)] == [False, False, True]
    assert not limited(limit, "2001:db8:0:1::1")


def test_the_limit_of_an_address_is_restored_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("tunespace.server.middleware.rate_limit.time.monotonic", lambda: now)
    limit = RateLimit(60, limit_local=True)
    assert [limited(limit, "10.0.0.1") for _ in range(61)] == [False] * 60 + [True]
    now += 2.0
    assert [limited(limit, "10.0.0.1") for _ in range(3)] == [False, False, True]


def test_what_is_remembered_of_addresses_is_bounded() -> None:
    limit = RateLimit(1, limit_local=True)
    for n in range(20_000):
        assert not limited(limit, f"10.{n // 65536}.{n // 256 % 256}.{n % 256}")
    assert len(limit._buckets) <= 4096  # noqa: SLF001


def test_a_browser_without_the_token_is_asked_for_it(client: Client) -> None:
    api = client(token=TOKEN)
    browser = {"accept": "text/html,application/xhtml+xml"}
    answer = api.get("/", headers=browser)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert 'name="token"' in answer.text
    assert "This token is wrong" in api.get("/?token=no", headers=browser).text
    assert api.get("/?token=" + TOKEN, headers=browser).headers["location"] == "./"
    api.cookies.clear()
    problem = api.get("/api/tracks", headers=browser)
    assert problem.headers["content-type"] == "application/problem+json"
