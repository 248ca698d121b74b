"""What a file says about itself: title, artist and so on, whatever its format.

mutagen reads the tags of every format and gives them one set of names.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_LONGEST = 500
_FRONT = 3
_LARGEST_PICTURE = 20 * 2**20
_IMAGES = (
    ("image/jpeg", rb"\xff\xd8\xff"),
    ("image/png", rb"\x89PNG\r\n\x1a\n"),
    ("image/webp", rb"RIFF....WEBP"),
    ("image/gif", rb"GIF8[79]a"),
)


@dataclass(frozen=True, kw_only=True)
class Tags:
    """Tags of a track; empty where it has none.

    Attributes:
        title: Of the track.
        artist: As it is written; several are joined by ", ".
        album: That it is on.
        genre: Several are joined by ", ".
        year: Of the release.
        recording_id: MusicBrainz recording.
        artist_id: MusicBrainz artist.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int | None = None
    recording_id: str = ""
    artist_id: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture that a file holds.

    Attributes:
        type: "image/jpeg" or another that browsers show.
        data: Its bytes.
    """

    type: str
    data: bytes


def read_picture(path: str) -> Picture | None:
    """The picture in a file, the front cover where it has several; none where it has none."""
    import mutagen

    try:
        file = mutagen.File(path)
        found = list(_pictures(file)) if file is not None else []
    except Exception:  # noqa: BLE001 - damaged tags raise whatever the damage leads to
        return None
    for _, data in sorted(found, key=lambda pair: pair[0] != _FRONT):
        for type_, beginning in _IMAGES:
            # What the tag says it is may be wrong, and must not be believed.
            if re.match(beginning, data, re.DOTALL) and len(data) <= _LARGEST_PICTURE:
                return Picture(type_, data)
    return None


def _pictures(file: Any) -> Iterator[tuple[int, bytes]]:  # noqa: ANN401 - mutagen has no types
    """Kind and bytes of each picture of a file, whatever its format."""
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


def read_tags(path: str) -> Tags:
    """Reads the tags of a file; broken or missing tags are no tags."""
    import mutagen  # only needed when indexing

    try:
        file = mutagen.File(path, easy=True)
    except Exception:  # noqa: BLE001 - damaged tags raise whatever the damage leads to
        return Tags()
    found: Any = file.tags if file is not None else None
    if not found:
        return Tags()

    def text(*names: str) -> str:
        for name in names:
            try:
                values = found.get(name) or found.get(name.upper())
            except (KeyError, ValueError):
                continue
            if values:
                values = values if isinstance(values, list) else [values]
                joined = ", ".join(str(value).replace("\x00", ", ").strip() for value in values)
                # What cannot be encoded cannot be stored.
                return joined.encode("utf-8", "replace").decode("utf-8")[:_LONGEST]
        return ""

    year = _YEAR.search(text("originaldate", "date", "year", "©day", "TDRC"))
    return Tags(
        title=text("title", "TIT2", "©nam"),
        artist=text("artist", "albumartist", "TPE1", "©ART"),
        album=text("album", "TALB", "©alb"),
        genre=text("genre", "TCON", "©gen"),
        year=int(year.group()) if year else None,
        recording_id=text("musicbrainz_trackid"),
        artist_id=text("musicbrainz_artistid"),
    )


def title_of(path: str) -> str:
    """What to call a track without a title: the name of its file."""
    return Path(path).stem.encode("utf-8", "replace").decode("utf-8")
