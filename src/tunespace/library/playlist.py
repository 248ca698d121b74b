"""Hits as a playlist that players read."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tunespace.errors import LibraryError
from tunespace.library.search import Hit


def write_m3u8(hits: Iterable[Hit], path: Path) -> int:
    """Writes an extended M3U in UTF-8, with paths relative to it where that is possible.

    Files that are gone, and names that are not UTF-8, which the format cannot hold, are left out.

    Returns:
        How many tracks it holds.

    Raises:
        LibraryError: The file cannot be written; one that was there is kept.
    """
    lines = ["#EXTM3U"]
    for hit in hits:
        name = " - ".join(filter(None, (hit.track.artist, hit.track.title)))
        try:
            entry = os.path.relpath(hit.track.path, path.absolute().parent)
        except ValueError:  # on another drive
            entry = hit.track.path
        if hit.missing or "\n" in entry or not _is_utf8(entry):
            continue
        lines += [f"#EXTINF:{round(hit.track.seconds)},{' '.join(name.split())}", entry]
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(lines) + "\n")
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise LibraryError(f"{path} cannot be written ({error.strerror})") from error
    return len(lines) // 2


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
