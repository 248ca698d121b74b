"""What every request passes before anything is done for it.

Listening on this machine alone is no protection by itself: any web page that is open in a browser
here can send requests to it. Hence names are checked (DNS rebinding) and so is where a request that
changes or costs something comes from (cross-site requests).
"""

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tunespace.server.error_handlers import problem
from tunespace.server.settings import Settings

if TYPE_CHECKING:
    from tunespace.server.routes.metrics import Measures

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("tunespace.server")
COOKIE = "tunespace_token"
# Whoever asks how a server is need not know its token; it says nothing about the music.
_OPEN = frozenset({"/health"})
_HEADERS = {
    # Nothing from elsewhere; styles of charts are set from scripts.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; "
        "font-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_JSON_BYTES = 256 * 1024
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """A middleware that refuses what must not reach the application."""

    def __init__(
        self, app: App, settings: Settings, streams: frozenset[str], measures: "Measures"
    ) -> None:
        """Takes the application that is guarded.

        Args:
            app: What answers.
            settings: What is allowed.
            streams: Paths that receive large bodies and bound them themselves.
            measures: Count every answer.
        """
        self.app = app
        self.settings = settings
        self._streams = streams
        self._measures = measures
        self._names = {"localhost", settings.host, *settings.names}
        self._limit = RateLimitItemPerMinute(max(1, settings.requests_a_minute))
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = False
        began = time.perf_counter()

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._measures.count(scope, message["status"], began)
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refused = self._refused(scope)
            if refused is None and scope["path"] not in self._streams:
                body = await _whole_body(receive, _JSON_BYTES, self.settings.body_seconds)
                refused = body if isinstance(body, Response) else None
                receive = _again(body, receive) if isinstance(body, bytes) else receive
            await (refused or self.app)(scope, receive, with_headers)
        except Exception as error:
            log.error("%s %s", scope["method"], scope["path"], exc_info=error)
            if started:  # it is too late to say anything; the connection ends
                raise
            said = problem(500, "something went wrong; the server's log says what")
            await said(scope, receive, with_headers)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_known(headers.get("host", "")):
            return problem(421, "the server is not known by this name; see `--name`")
        if scope["method"] not in _SAFE and _is_foreign(headers):
            return problem(403, "a page of another site must not ask for this")
        client = (scope.get("client") or ("",))[0]
        if self.settings.requests_a_minute and not self._limiter.hit(self._limit, client):
            return problem(429, "too many requests: wait a little", {"retry-after": "5"})
        if self.settings.token and scope["path"] not in _OPEN:
            return self._unknown(scope, headers)
        return None

    def _is_known(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower()
        if name in self._names:
            return True
        try:
            # A page of another site can only bring a name here, never a bare address.
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        """The refusal of a request without the token; none for one that has it."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(given):
            return None
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        if cookie is not None and self._is_token(cookie.value):
            return None
        given_with = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"].startswith("/rest/") and self._is_player(given_with):
            return None
        offered = given_with.get("token", [""])[0]
        if scope["method"] == "GET" and self._is_token(offered):
            # Opened from the printed address: the token moves from there into a cookie.
            answer = RedirectResponse(Request(scope).url.remove_query_params("token"), 303)
            answer.set_cookie(COOKIE, offered, httponly=True, samesite="strict", max_age=31536000)
            return answer
        return problem(401, "the token is missing or wrong", {"www-authenticate": "Bearer"})

    def _is_player(self, given: dict[str, list[str]]) -> bool:
        """Whether a music player knows the token, in one of the ways of (Open)Subsonic."""
        token = self.settings.token
        key, password, hashed, salt = (given.get(n, [""])[0] for n in ("apiKey", "p", "t", "s"))
        if password.startswith("enc:"):
            try:
                password = bytes.fromhex(password[4:]).decode()
            except ValueError:
                return False
        if any(text and self._is_token(text) for text in (key, password)):
            return True
        # What players have sent for fifteen years; of a token that cannot be guessed it tells
        # nothing.
        expected = hashlib.md5((token + salt).encode(), usedforsecurity=False).hexdigest()
        return bool(salt) and hmac.compare_digest(hashed.lower().encode(), expected.encode())

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.settings.token.encode())


async def _whole_body(receive: Receive, most: int, seconds: float) -> bytes | Response | None:
    """What a request brings; the refusal of one that is too large or too slow; none if it left."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > most:
                    return problem(413, f"the request is too large: at most {most:,} bytes")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return problem(408, "the request took too long to arrive", {"connection": "close"})


def _again(body: bytes, receive: Receive) -> Receive:
    """Receives a body that has been received already, and then whatever comes."""
    first = True

    async def again() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


def _is_foreign(headers: Headers) -> bool:
    """Whether a page of another site sends this."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")
