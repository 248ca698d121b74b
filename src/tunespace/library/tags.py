"""Tags of audio files of every format: title, artist, album, genre, year.

mutagen reads the formats and maps most of them to one set of names.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_MAX_LENGTH = 500
_GENRE_BOUNDARY = re.compile(r"[,;/]")


@dataclass(frozen=True, kw_only=True)
class Tags:
    """Tags of a file; text fields are empty if there is no tag.

    Attributes:
        title: Title of the track.
        artist: Artist; several values are joined by ", ".
        album: Album.
        genre: Genre; several values are joined by ", ".
        year: Year of release; None if unknown.
        recording_id: MusicBrainz recording id.
        artist_id: MusicBrainz artist id.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int | None = None
    recording_id: str = ""
    artist_id: str = ""


def read_tags(path: str) -> Tags:
    """Read the tags of a file; return empty tags if they are damaged or missing."""
    import mutagen  # only needed when indexing

    try:
        file = mutagen.File(path, easy=True)
    except Exception:  # noqa: BLE001 - damaged tags raise whatever the damage leads to
        return Tags()
    values: Any = file.tags if file is not None else None
    if not values:
        return Tags()

    def text(*names: str) -> str:
        for name in names:
            try:
                entry = values.get(name) or values.get(name.upper())
            except (KeyError, ValueError):
                continue
            if entry:
                entries = entry if isinstance(entry, list) else [entry]
                joined = ", ".join(str(value).replace("\x00", ", ").strip() for value in entries)
                # Lone surrogates cannot be stored as UTF-8.
                return joined.encode("utf-8", "replace").decode("utf-8")[:_MAX_LENGTH]
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


def split_genres(text: str) -> list[str]:
    """Split a genre tag that names several genres.

    Examples:
        >>> split_genres("Jazz; Blues/Soul")
        ['Jazz', ' Blues', 'Soul']
    """
    return _GENRE_BOUNDARY.split(text)


def title_from_path(path: str) -> str:
    """Return the title of a track without a title tag: the file name without suffix."""
    return Path(path).stem.encode("utf-8", "replace").decode("utf-8")
