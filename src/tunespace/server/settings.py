"""What a server may do, and for whom."""

import ipaddress
import secrets
from dataclasses import dataclass
from pathlib import Path

LOCAL = "127.0.0.1"
PORT = 8731


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that is decided when a server starts.

    Attributes:
        library: Folder of the library; none for the default.
        model: As for ``Library.open``.
        host: Address to listen on.
        port: To listen on.
        token: What every request has to carry; none where only this machine can ask.
        allow_write: Whether requests may bring the library up to date.
        names: Further names that the server is reached by, as a reverse proxy has them.
        upload_bytes: Largest file that is listened to.
        upload_seconds: Longest time that listening to one may take.
        upload_memory: Most memory of the process that listens, in bytes.
        requests_a_minute: Most requests of one address; 0 for no limit.
        body_seconds: Longest time that a request may take to arrive.
        idle_seconds: After so long without a request the model gives its memory back.
    """

    library: Path | None = None
    model: str | None = None
    host: str = LOCAL
    port: int = PORT
    token: str = ""
    allow_write: bool = False
    names: tuple[str, ...] = ()
    upload_bytes: int = 100 * 2**20
    upload_seconds: float = 30.0
    upload_memory: int = 3 * 2**30
    requests_a_minute: int = 1200
    body_seconds: float = 30.0
    idle_seconds: float = 600.0


def is_local(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """A token that cannot be guessed."""
    return secrets.token_urlsafe(24)
