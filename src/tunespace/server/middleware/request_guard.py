"""Middleware that checks every request, sets security headers and counts responses."""

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from tunespace.server.error_handlers import problem
from tunespace.server.middleware.asgi import App, Message, Receive, Scope, Send
from tunespace.server.middleware.authentication import Authentication
from tunespace.server.middleware.body_limit import read_body, replay_body
from tunespace.server.middleware.origin_check import OriginCheck
from tunespace.server.middleware.rate_limit import RateLimit
from tunespace.server.services.metrics import Metrics
from tunespace.server.settings import Settings

log = logging.getLogger("tunespace.server")
_SECURITY_HEADERS = {
    # Everything comes from this server; charts set styles from scripts.
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
_MAX_BODY_BYTES = 256 * 1024


class RequestGuard:
    """Passes accepted requests to the application and answers all others itself."""

    def __init__(
        self, app: App, settings: Settings, upload_paths: frozenset[str], metrics: Metrics
    ) -> None:
        """Wrap an application.

        Args:
            app: Application.
            settings: Settings of the server.
            upload_paths: Paths that receive large bodies and limit them themselves.
            metrics: Counts every response.
        """
        self._app = app
        self._body_seconds = settings.body_seconds
        self._upload_paths = upload_paths
        self._metrics = metrics
        self._checks = (
            OriginCheck(frozenset({"localhost", settings.host, *settings.names})),
            RateLimit(settings.requests_a_minute, limit_local=bool(settings.token)),
            Authentication(settings.token),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        is_started = False
        began = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                self._metrics.count(scope, message["status"], began)
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._handle(scope, receive, send_with_headers)
        except Exception as error:
            log.error("%s %s", scope["method"], scope["path"], exc_info=error)
            if is_started:  # too late for an error response: the connection is closed
                raise
            response = problem(500, "internal error: see the server's log")
            await response(scope, receive, send_with_headers)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is None and scope["path"] not in self._upload_paths:
            body = await read_body(receive, _MAX_BODY_BYTES, self._body_seconds)
            if isinstance(body, Response):
                refusal = body
            elif body is not None:
                receive = replay_body(body, receive)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        refusals = (check.refusal(scope) for check in self._checks)
        return next((refusal for refusal in refusals if refusal is not None), None)
