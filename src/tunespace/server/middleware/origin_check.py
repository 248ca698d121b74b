"""Check the host name and the origin of a request.

Listening on the loopback interface is no protection by itself: any web page that is open in a
browser on this machine can send requests to the server. The host name is checked against DNS
rebinding, and the origin of requests against pages of other sites: most requests cost something.
"""

import ipaddress
import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response

from tunespace.server.error_handlers import problem
from tunespace.server.middleware.asgi import Scope

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROGRAM_PATHS = ("/api/", "/rest/", "/mcp", "/metrics")
_HOST = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<address>[0-9A-Fa-f:.]+)\])(?::\d{1,5})?")


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
        if not _is_cross_site(headers):
            return None
        # A link to the page may stand anywhere; its answer is a document of its own.
        is_link = scope["method"] in _SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
        if is_link and not scope["path"].startswith(_PROGRAM_PATHS):
            return None
        return problem(403, "cross-site requests are not allowed")

    def _is_known_host(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = (match["name"] or match["address"]).lower()
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
