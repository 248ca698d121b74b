"""Authenticate requests by the server's token: header, cookie, address or Subsonic parameters."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response

from tunespace.server.error_handlers import problem
from tunespace.server.middleware.asgi import Scope
from tunespace.server.middleware.login_page import login_page

COOKIE = "tunespace_token"
# Needs no token: to a client without one, `/health` reveals that the server works, nothing else.
PUBLIC_PATHS = frozenset({"/health"})
_COOKIE_SECONDS = 365 * 24 * 3600
_SUBSONIC_CALL = re.compile(r"/rest/[A-Za-z0-9.]+")


@dataclass(frozen=True)
class Authentication:
    """Refuses requests without the token.

    Attributes:
        token: Token; empty if every client is allowed.
    """

    token: str

    def refusal(self, scope: Scope) -> Response | None:
        """Return the response to a request that is refused; None for an accepted one.

        A browser that opens the address with the token is redirected once, so that the token moves
        from the address into a cookie.
        """
        if scope["path"] in PUBLIC_PATHS or self.is_authenticated(scope):
            return None
        if is_subsonic_call(scope["path"]):
            return None  # the route asks for the token, in the protocol's own way
        parameters = parse_qs(scope["query_string"].decode("latin-1"))
        offered = parameters.get("token", [""])[0]
        if scope["method"] == "GET" and self._is_token(offered):
            response = RedirectResponse(_without_token(scope), 303)
            response.set_cookie(
                COOKIE, offered, httponly=True, samesite="strict", max_age=_COOKIE_SECONDS
            )
            return response
        page = login_page(scope)
        if page is not None:
            return page
        return problem(401, "the token is missing or wrong", {"www-authenticate": "Bearer"})

    def is_authenticated(self, scope: Scope) -> bool:
        """Return whether a request carries the token in a header or a cookie, or needs none."""
        if not self.token:
            return True
        headers = Headers(scope=scope)
        scheme, _, offered = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(offered):
            return True
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        return cookie is not None and self._is_token(cookie.value)

    def is_subsonic_client(self, parameters: Mapping[str, str]) -> bool:
        """Return whether (Open)Subsonic parameters prove that a client knows the token.

        Args:
            parameters: Parameters of the address or of a form.
        """
        key, password, hashed, salt = (
            parameters.get(name, "") for name in ("apiKey", "p", "t", "s")
        )
        if password.startswith("enc:"):
            try:
                password = bytes.fromhex(password[4:]).decode()
            except ValueError:
                return False
        if any(text and self._is_token(text) for text in (key, password)):
            return True
        # The salted MD5 of the Subsonic protocol; it reveals nothing about a random token.
        expected = hashlib.md5((self.token + salt).encode(), usedforsecurity=False).hexdigest()
        return bool(salt) and hmac.compare_digest(hashed.lower().encode(), expected.encode())

    def _is_token(self, offered: str) -> bool:
        return hmac.compare_digest(offered.encode(), self.token.encode())


def is_subsonic_call(path: str) -> bool:
    """Return whether a path is that of a call of the (Open)Subsonic API."""
    return _SUBSONIC_CALL.fullmatch(path) is not None


def _without_token(scope: Scope) -> str:
    """Return the address of a request without the token, relative to it.

    A reverse proxy may serve the page under a prefix that the server does not know.
    """
    name = scope["path"].rsplit("/", 1)[-1] or "./"
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([pair for pair in pairs if pair[0] != "token"])
    return f"{name}?{query}" if query else name
