"""Limit the rate of requests of one address."""

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.responses import Response

from tunespace.server.error_handlers import problem
from tunespace.server.middleware.asgi import Scope


class RateLimit:
    """Refuses requests of an address above a rate."""

    def __init__(self, requests_a_minute: int) -> None:
        """Take the maximum number of requests a minute; 0 for no limit."""
        self._is_unlimited = requests_a_minute == 0
        self._limit = RateLimitItemPerMinute(max(1, requests_a_minute))
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def refusal(self, scope: Scope) -> Response | None:
        """Return the response to a request that is refused; None for an accepted one."""
        client = (scope.get("client") or ("",))[0]
        if self._is_unlimited or self._limiter.hit(self._limit, client):
            return None
        return problem(429, "too many requests: try again in a few seconds", {"retry-after": "5"})
