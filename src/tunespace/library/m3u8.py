"""Tracks as a playlist that players read."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tunespace.errors import LibraryError
from tunespace.library.search.searcher import Hit
from tunespace.library.store.sqlite import Track


def format_m3u8(tracks: Iterable[Track], folder: str) -> str:
    """An extended M3U in UTF-8, with paths relative to a folder where that is possible.

    Names that are not UTF-8, which the format cannot hold, are left out.
    """
    lines = ["#EXTM3U"]
    for track in tracks:
        name = " - ".join(filter(None, (track.artist, track.title)))
        try:
            entry = os.path.relpath(track.path, folder)
        except ValueError:  # on another drive
            entry = track.path
        if "\n" in entry or not _is_utf8(entry):
            continue
        lines += [f"#EXTINF:{round(track.seconds)},{' '.join(name.split())}", entry]
    return "\n".join(lines) + "\n"


def write_m3u8(hits: Iterable[Hit], path: Path) -> int:
    """Writes hits as a playlist, with paths relative to it; files that are gone are left out.

    Returns:
        How many tracks it holds.

    Raises:
        LibraryError: The file cannot be written; one that was there is kept.
    """
    there = [hit.track for hit in hits if not hit.missing]
    text = format_m3u8(there, str(path.absolute().parent))
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise LibraryError(f"{path} cannot be written ({error.strerror})") from error
    return text.count("#EXTINF:")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
