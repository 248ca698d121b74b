"""Web server of a library: page, HTTP API, MCP, Subsonic."""

from tunespace.server.app import create_app
from tunespace.server.settings import Settings

__all__ = ["Settings", "create_app"]
