"""Settings of the server."""

import ipaddress
import secrets
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8731


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one server.

    Attributes:
        library: Folder of the library; None for the default.
        model: Model, as in ``Library.open``.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        token: Token that every request must carry; empty for none.
        allow_write: Whether clients may update the library.
        names: Further host names of the server, such as those of a reverse proxy.
        upload_bytes: Maximum size of an upload.
        upload_seconds: Maximum time to embed an upload.
        upload_memory: Maximum memory to embed an upload, in bytes.
        requests_a_minute: Maximum number of requests of one address; 0 for no limit. Programs on
            this machine are not limited if there is no token.
        proxies: Addresses of reverse proxies whose ``X-Forwarded-For`` is believed.
        body_seconds: Maximum time until a request is received.
        idle_seconds: Time without a request after which the model is unloaded.

    Examples:
        >>> Settings(library="library").allow_write
        False
    """

    library: Path | None = None
    model: str | None = None
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    token: str = ""
    allow_write: bool = False
    names: tuple[str, ...] = ()
    upload_bytes: int = 100 * 2**20
    upload_seconds: float = 30.0
    upload_memory: int = 3 * 2**30
    requests_a_minute: int = 1200
    proxies: tuple[str, ...] = ()
    body_seconds: float = 30.0
    idle_seconds: float = 600.0


def is_local(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """Return a random token."""
    return secrets.token_urlsafe(24)
