"""Tags of audio files of every format: title, artist, album, genre, year.

FFmpeg reads the tags of every container that it decodes; tinytag adds the separate values of a tag
that has several, and identifiers. Neither knows APEv2 tags of MP3 files, which are read here.
"""

import os
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunespace.errors import AudioError
from tunespace.text.normalize import fold_name

_YEAR = re.compile(r"(?<!\d)(1\d\d\d|20\d\d)(?:(?=\d{4}(?!\d))|(?!\d))")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAX_LENGTH = 500
_MAX_VALUES = 100
_GENRE_BOUNDARY = re.compile(r"[,;/]")
# Names of tags, without punctuation and in lower case; the first one with a value counts.
_NAMES = {
    "title": ("title", "tit2", "nam"),
    "artist": ("artist", "albumartist", "tpe1", "tpe2", "composer"),
    "album": ("album", "talb"),
    "genre": ("genre", "tcon"),
}
_DATES = (
    "originaldate",
    "originalyear",
    "tdor",
    "tory",
    "date",
    "year",
    "tdrc",
    "tyer",
    "releasedate",
    "datereleased",
    "daterecorded",
)
_RECORDING_IDS = ("musicbrainztrackid", "ufid")
_ARTIST_IDS = ("musicbrainzartistid",)

_APE_MARK = b"APETAGEX"
_APE_FOOTER = 32
_ID3V1 = 128
_APE_KIND = 0b110  # zero for text
# Pictures count as well; a larger tag is not read.
_MAX_APE_BYTES = 32 * 2**20

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Tags:
    """Tags of a file; text fields are empty if there is no tag.

    Attributes:
        title: Title of the track.
        artist: Artist, or the artist of the album; several values are joined by ", ".
        album: Album.
        genre: Genre; several values are joined by "; ".
        year: Year of release, of the original one if it is known; None if unknown.
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
    """Read the tags of a file; return empty tags if they are damaged or missing.

    It runs in a worker process: a few bytes can ask for much memory or time.
    """
    # An APEv2 tag counts most: readers of ID3v1 may mistake a part of it for theirs.
    values = {**_joined(_ffmpeg_values(path), _tinytag_values(path)), **_ape_values(path)}
    return Tags(
        title=_text(values, _NAMES["title"]),
        artist=_text(values, _NAMES["artist"]),
        album=_text(values, _NAMES["album"]),
        # A genre may contain a comma.
        genre=_text(values, _NAMES["genre"], "; "),
        year=_year(values),
        recording_id=_uuid(values, _RECORDING_IDS),
        artist_id=_uuid(values, _ARTIST_IDS),
    )


def split_genres(text: str) -> list[str]:
    """Split a genre tag that names several genres.

    Examples:
        >>> split_genres("Jazz; Blues/Soul")
        ['Jazz', ' Blues', 'Soul']
    """
    return _GENRE_BOUNDARY.split(text)


def genre_keys(text: str) -> list[str]:
    """Return the keys of a genre tag: each genre as a whole, and what it is composed of.

    Examples:
        >>> genre_keys("Rock/Pop; Indie")
        ['rockpop', 'rock', 'pop', 'indie']
    """
    genres = [part for value in text.split(";") for part in (value, *split_genres(value))]
    keys = (fold_name(genre).replace(",", "") for genre in genres)
    return list(dict.fromkeys(key for key in keys if key))


def title_from_path(path: str) -> str:
    """Return the title of a track without a title tag: the file name without suffix."""
    return Path(path).stem.encode("utf-8", "replace").decode("utf-8")


def _text(values: Values, names: Sequence[str], separator: str = ", ") -> str:
    """Return the text of the first tag that has one."""
    for name in names:
        text = separator.join(value for value in values.get(name, ()) if value)
        if text:
            return text[:_MAX_LENGTH]
    return ""


def _year(values: Values) -> int | None:
    """Return the first year among the dates; "0000" is none."""
    for name in _DATES:
        for value in values.get(name, ()):
            if year := _YEAR.search(value):
                return int(year.group())
    return None


def _uuid(values: Values, names: Sequence[str]) -> str:
    """Return the ids in the first tag that has one."""
    for name in names:
        ids = [found for value in values.get(name, ()) for found in _UUID.findall(value.lower())]
        if ids:
            return ", ".join(ids)[:_MAX_LENGTH]
    return ""


def _joined(ffmpeg: Values, tinytag: Values) -> Values:
    """Return the values of FFmpeg, separated as in tinytag where both read the same.

    FFmpeg reads compressed frames, and returns the first of several values or all with a semicolon
    between; tinytag returns all values, and takes compressed frames for text.
    """
    values = dict(ffmpeg)
    for name, separate in tinytag.items():
        known = " ".join(ffmpeg.get(name, ()))
        is_same = known in (separate[0], ";".join(separate))
        # Text that is not UTF-8 is in the character set of the writer's system: tinytag decodes it.
        is_undecoded = "�" in known and "�" not in separate[0]
        if is_same or is_undecoded or name not in ffmpeg:
            values[name] = separate
    for name in _NAMES:  # a compressed frame that FFmpeg passed over
        if name not in ffmpeg and any(map(_has_control_characters, values.get(name, ()))):
            del values[name]
    return values


def _has_control_characters(text: str) -> bool:
    return any(not c.isprintable() and not c.isspace() for c in text)


def _ffmpeg_values(path: str) -> Values:
    """Return the tags of container and audio stream by name."""
    from tunespace.audio.decoding import open_container

    try:
        with open_container(Path(path)) as (container, stream):
            pairs = [*stream.metadata.items(), *container.metadata.items()]
    except (AudioError, OSError, ValueError):
        return {}
    return {_name(name): [_clean(value)] for name, value in pairs if value.strip()}


def _tinytag_values(path: str) -> Values:
    """Return all values of each tag by name."""
    from tinytag import TinyTag

    try:
        tags = TinyTag.get(path, duration=False).as_dict()
    except Exception:  # noqa: BLE001 - damaged tags raise whatever the damage leads to
        return {}
    return {
        _name(name): [_clean(value) for value in values[:_MAX_VALUES]]
        for name, values in tags.items()
        if isinstance(values, list) and any(value.strip() for value in values)
    }


def _ape_values(path: str) -> Values:
    """Return the text items of an APEv2 tag at the end of a file."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            for behind in (0, _ID3V1):  # an ID3v1 tag may follow
                file.seek(max(0, size - behind - _APE_FOOTER))
                footer = file.read(_APE_FOOTER)
                if footer.startswith(_APE_MARK) and len(footer) == _APE_FOOTER:
                    _, length, count = struct.unpack_from("<III", footer, len(_APE_MARK))
                    if not _APE_FOOTER <= length <= min(size - behind, _MAX_APE_BYTES):
                        return {}
                    file.seek(size - behind - length)
                    return dict(_ape_items(file.read(length - _APE_FOOTER), count))
    except OSError:
        pass
    return {}


def _ape_items(data: bytes, count: int) -> Iterator[tuple[str, list[str]]]:
    """Yield name and values of each text item of an APEv2 tag."""
    at = 0
    for _ in range(min(count, _MAX_VALUES)):
        end = data.find(b"\0", at + 8)
        if end < 0:
            return
        length, flags = struct.unpack_from("<II", data, at)
        name = data[at + 8 : end].decode("ascii", "replace")
        at = end + 1 + length
        if not flags & _APE_KIND:
            values = data[end + 1 : at].decode("utf-8", "replace").split("\0")
            yield _name(name), [_clean(value) for value in values]


def _name(name: str) -> str:
    """Return the name of a tag without what formats write differently."""
    return "".join(c for c in name.lower() if c.isalnum())


def _clean(text: str) -> str:
    """Return text that can be stored as UTF-8, of a bounded length."""
    text = text[: 4 * _MAX_LENGTH].replace("\x00", ", ")
    return text.encode("utf-8", "replace").decode("utf-8").strip(" ,")
