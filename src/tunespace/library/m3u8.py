"""Playlists in the extended M3U format (UTF-8)."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tunespace.errors import LibraryError
from tunespace.files import write_text
from tunespace.library.search.result import Hit
from tunespace.library.store.records import Track

# A list that is moved with its music stays right; one that climbs further names a place anyway.
_MAX_PARENTS = 2


@dataclass(frozen=True)
class Playlist:
    """Playlist as text.

    Attributes:
        text: Content of the file.
        written: Number of tracks.
        left_out: Number of tracks whose file name the format cannot represent: it is not UTF-8, or
            has a line break.
    """

    text: str
    written: int
    left_out: int


def format_m3u8(tracks: Iterable[Track], folder: str) -> Playlist:
    """Return tracks as an extended M3U playlist.

    Args:
        tracks: Tracks.
        folder: Folder of the playlist. Paths of tracks in it, or beside it, are relative to it;
            the others, or all if it is empty, are absolute.
    """
    lines = ["#EXTM3U"]
    left_out = 0
    for track in tracks:
        entry = _entry(track.path, folder)
        if not _is_representable(entry):
            left_out += 1
            continue
        name = " - ".join(filter(None, (track.artist, track.title)))
        shown = "".join(c if c.isprintable() else " " for c in name)
        lines += [f"#EXTINF:{round(track.seconds)},{' '.join(shown.split())}", entry]
    written = (len(lines) - 1) // 2
    if left_out:
        lines.append(f"# {left_out} tracks are left out: their file names cannot be written")
    return Playlist("\n".join(lines) + "\n", written, left_out)


def write_m3u8(hits: Iterable[Hit], path: Path) -> Playlist:
    """Write hits as a playlist; hits without a file are left out.

    Raises:
        LibraryError: The file cannot be written; an existing file is kept.
    """
    tracks = [hit.track for hit in hits if not hit.missing]
    # Tracks have real paths. From a linked folder ".." leads elsewhere for players that treat it as
    # text.
    folder = path.absolute().parent
    real = os.path.realpath(folder)
    is_link = real != os.path.normpath(folder)
    playlist = format_m3u8(tracks, "" if is_link else real)
    try:
        write_text(path, playlist.text)
    except OSError as error:
        raise LibraryError(f"{path} cannot be written ({error.strerror})") from error
    return playlist


def _entry(path: str, folder: str) -> str:
    """Return the line of a file."""
    if not folder or folder == os.path.dirname(folder):
        return path
    try:
        entry = os.path.relpath(path, folder)
    except ValueError:  # on another drive
        return path
    if entry.startswith(os.path.join(*[os.pardir] * (_MAX_PARENTS + 1), "")):
        return path
    # Such a line would be read as a comment, as an address, or without its space.
    first = entry.partition("/")[0]
    return f"./{entry}" if entry[0] in "# \t" or ":" in first else entry


def _is_representable(text: str) -> bool:
    if any(c in text for c in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
