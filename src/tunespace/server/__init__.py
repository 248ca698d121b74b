"""A library behind HTTP: for a page, for programs, for players. Thin over ``tunespace.library``."""

from tunespace.server.app import create_app
from tunespace.server.settings import Settings

__all__ = ["Settings", "create_app"]
