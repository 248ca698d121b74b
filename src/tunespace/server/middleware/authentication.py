"""Authenticate requests by the server's token: header, cookie, address or Subsonic parameters."""

import hashlib
import hmac
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tunespace.server.error_handlers import problem
from tunespace.server.middleware.asgi import Scope

COOKIE = "tunespace_token"
# Needs no token: to a client without one, `/health` reveals that the server works, nothing else.
PUBLIC_PATHS = frozenset({"/health"})
_COOKIE_SECONDS = 365 * 24 * 3600


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
        parameters = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"].startswith("/rest/") and self._is_subsonic_client(parameters):
            return None
        offered = parameters.get("token", [""])[0]
        if scope["method"] == "GET" and self._is_token(offered):
            response = RedirectResponse(Request(scope).url.remove_query_params("token"), 303)
            response.set_cookie(
                COOKIE, offered, httponly=True, samesite="strict", max_age=_COOKIE_SECONDS
            )
            return response
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

    def _is_subsonic_client(self, parameters: dict[str, list[str]]) -> bool:
        """Return whether (Open)Subsonic parameters prove that a client knows the token."""
        key, password, hashed, salt = (
            parameters.get(name, [""])[0] for name in ("apiKey", "p", "t", "s")
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
