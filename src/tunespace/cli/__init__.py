"""The command line: each command reads its arguments, calls the library, prints."""

from tunespace.cli.app import main

__all__ = ["main"]
