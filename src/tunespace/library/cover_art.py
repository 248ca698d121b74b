"""Cover art: a picture in an audio file, or in its folder."""

import base64
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_FRONT = 3
_LARGEST = 20 * 2**20
_IMAGES = (
    ("image/jpeg", rb"\xff\xd8\xff"),
    ("image/png", rb"\x89PNG\r\n\x1a\n"),
    ("image/webp", rb"RIFF....WEBP"),
    ("image/gif", rb"GIF8[79]a"),
)
# Usual file names of cover art, the best first.
_NAMES = ("cover", "folder", "front", "album", "albumart", "albumartsmall", "artwork")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")


@dataclass(frozen=True)
class CoverArt:
    """Cover art.

    Attributes:
        type: Media type, such as "image/jpeg".
        data: Bytes of the picture.
    """

    type: str
    data: bytes


def read_cover_art(path: str) -> CoverArt | None:
    """Return the cover art of a file: its front cover, another picture, or one in its folder."""
    import mutagen

    try:
        file = mutagen.File(path)
        pictures = list(_pictures(file)) if file is not None else []
    except Exception:  # noqa: BLE001 - damaged tags raise whatever the damage leads to
        pictures = []
    for _, data in sorted(pictures, key=lambda pair: pair[0] != _FRONT):
        if picture := _shown(data):
            return picture
    return _beside(path)


def _shown(data: bytes) -> CoverArt | None:
    for type_, beginning in _IMAGES:
        # The type that a tag or a file name states may be wrong.
        if re.match(beginning, data, re.DOTALL) and len(data) <= _LARGEST:
            return CoverArt(type_, data)
    return None


def _beside(path: str) -> CoverArt | None:
    """Return the cover art in the folder of a file; symbolic links are ignored."""
    folder = os.path.dirname(path)
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    covers = []
    for name in names:
        stem, suffix = os.path.splitext(name.lower())
        if suffix in _SUFFIXES and stem in _NAMES:
            covers.append((_NAMES.index(stem), name))
    for _, name in sorted(covers):
        try:
            cover = os.path.join(folder, name)
            if not stat.S_ISREG(os.lstat(cover).st_mode):
                continue
            with open(os.open(cover, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
                picture = _shown(file.read(_LARGEST + 1))
        except OSError:
            continue
        if picture is not None:
            return picture
    return None


def _pictures(file: Any) -> Iterator[tuple[int, bytes]]:  # noqa: ANN401 - mutagen has no types
    """Yield kind and bytes of each picture in a file of any format."""
    from mutagen import flac

    read: Any = flac.Picture

    for picture in getattr(file, "pictures", ()):  # FLAC
        yield picture.type, picture.data
    tags = file.tags
    if tags is None:
        return
    for frame in getattr(tags, "getall", lambda _: ())("APIC"):  # ID3
        yield int(frame.type), frame.data
    for coded in tags.get("metadata_block_picture", ()) if hasattr(tags, "get") else ():  # Vorbis
        picture = read(base64.b64decode(coded))
        yield picture.type, picture.data
    for cover in tags.get("covr", ()) if hasattr(tags, "get") else ():  # MP4
        yield _FRONT, bytes(cover)
