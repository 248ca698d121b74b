"""Cover art: a picture in an audio file, or in its folder."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tunespace.errors import AudioError

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
    """Return the cover art of a file: its front cover, another picture, or one in its folder.

    It runs in a worker process: a few bytes can ask for much memory or time.
    """
    for data in chain(_tagged_pictures(path), _attached_pictures(path)):
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


def _tagged_pictures(path: str) -> Iterator[bytes]:
    """Yield the bytes of the pictures in the tags of a file, the front cover first."""
    from tinytag import TinyTag

    try:
        images = TinyTag.get(path, tags=False, duration=False, image=True).images
        if images.front_cover is not None:
            yield images.front_cover.data
        if images.any is not None:
            yield images.any.data
    except Exception:  # noqa: BLE001 - damaged tags raise whatever the damage leads to
        return


def _attached_pictures(path: str) -> Iterator[bytes]:
    """Yield the bytes of the pictures that a container has as streams of their own."""
    from av.error import FFmpegError

    from tunespace.audio.decoding import open_container

    try:
        with open_container(Path(path)) as (container, _):
            streams = [s for s in container.streams.video if s.disposition & _attached_pic()]
            for packet in container.demux(streams) if streams else ():
                if packet.size:
                    yield bytes(packet)
                    return
    except (AudioError, FFmpegError, OSError, ValueError):
        return


def _attached_pic() -> int:
    from av.stream import Disposition

    return Disposition.attached_pic
