"""Limit the rate of requests of one address."""

import ipaddress
import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response

from tunespace.server.error_handlers import problem
from tunespace.server.middleware.asgi import Scope
from tunespace.server.settings import is_local

# Addresses that are remembered: those beyond have made no request for the longest time.
_MAX_ADDRESSES = 4096
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@dataclass
class _Bucket:
    """Requests that an address may still make.

    Attributes:
        left: Number of requests.
        updated: Time at which ``left`` was right, in seconds.
    """

    left: float
    updated: float


class RateLimit:
    """Refuses requests of an address above a rate (token bucket)."""

    def __init__(self, requests_a_minute: int, *, limit_local: bool) -> None:
        """Take the limits.

        Args:
            requests_a_minute: Maximum number of requests of an address a minute; 0 for no limit.
            limit_local: Whether programs on this machine are limited, too.
        """
        self._most = requests_a_minute
        self._limit_local = limit_local
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def refusal(self, scope: Scope) -> Response | None:
        """Return the response to a request that is refused; None for an accepted one."""
        address = (scope.get("client") or ("",))[0]
        if self._most == 0 or (not self._limit_local and _is_local_program(scope, address)):
            return None
        if self._take(_network(address)):
            return None
        return problem(429, "too many requests: try again in a few seconds", {"retry-after": "5"})

    def _take(self, key: str) -> bool:
        now = time.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._most, now)
            if len(self._buckets) > _MAX_ADDRESSES:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        gained = (now - bucket.updated) * self._most / 60
        bucket.left, bucket.updated = min(self._most, bucket.left + gained), now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True


def _is_local_program(scope: Scope, address: str) -> bool:
    """Return whether a request comes from this machine and was not passed on by a proxy."""
    headers = Headers(scope=scope)
    return is_local(address) and not any(name in headers for name in _FORWARDED)


def _network(address: str) -> str:
    """Return the address, or the network of an IPv6 address: one household has one."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return address
    if number.version == 4:
        return address
    return str(ipaddress.ip_network((number, 64), strict=False))
