"""Check the host name and the origin of a request.

Listening on the loopback interface is no protection by itself: any web page that is open in a
browser on this machine can send requests to the server. The host name is checked against DNS
rebinding, and the origin of requests that change or cost something against cross-site requests.
"""

import ipaddress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response

from tunespace.server.error_handlers import problem
from tunespace.server.middleware.asgi import Scope

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class OriginCheck:
    """Refuses requests to unknown host names and from other sites.

    Attributes:
        host_names: Names that the server is reached by; IP addresses are always accepted.
    """

    host_names: frozenset[str]

    def refusal(self, scope: Scope) -> Response | None:
        """Return the response to a request that is refused; None for an accepted one."""
        headers = Headers(scope=scope)
        if not self._is_known_host(headers.get("host", "")):
            return problem(421, "unknown host name: allow it with --name")
        if scope["method"] not in _SAFE_METHODS and _is_cross_site(headers):
            return problem(403, "cross-site requests are not allowed")
        return None

    def _is_known_host(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower()
        if name in self.host_names:
            return True
        try:
            # DNS rebinding needs a name; a page cannot forge a bare address.
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _is_cross_site(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")
