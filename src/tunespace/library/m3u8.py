"""Playlists in the extended M3U format (UTF-8)."""

import os
from collections.abc import Iterable
from pathlib import Path

from tunespace.errors import LibraryError
from tunespace.files import write_text
from tunespace.library.search.result import Hit
from tunespace.library.store.records import Track


def format_m3u8(tracks: Iterable[Track], folder: str) -> str:
    """Return tracks as an extended M3U playlist, with paths relative to a folder if possible.

    File names that are not UTF-8, which the format cannot represent, are left out.
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
    """Write hits as a playlist with paths relative to it; hits without a file are left out.

    Returns:
        Number of tracks in the playlist.

    Raises:
        LibraryError: The file cannot be written; an existing file is kept.
    """
    tracks = [hit.track for hit in hits if not hit.missing]
    text = format_m3u8(tracks, str(path.absolute().parent))
    try:
        write_text(path, text)
    except OSError as error:
        raise LibraryError(f"{path} cannot be written ({error.strerror})") from error
    return text.count("#EXTINF:")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
