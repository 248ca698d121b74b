"""Command line: each command parses its arguments, calls the API and prints."""

from tunespace.cli.app import main

__all__ = ["main"]
