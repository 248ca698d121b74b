"""What a file says about itself: title, artist and so on, whatever its format.

mutagen reads the tags of every format and gives them one set of names.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_LONGEST = 500


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


def title_from_path(path: str) -> str:
    """What to call a track without a title: the name of its file."""
    return Path(path).stem.encode("utf-8", "replace").decode("utf-8")
