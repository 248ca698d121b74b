"""Manifests: the input of training and evaluation, a table of clips and their annotations.

A file of comma- or tab-separated values, JSON lines or Parquet with a row for each clip. Columns:

- ``audio`` (also ``path``, ``file_name`` and the like): path relative to the manifest's folder.
  ``start`` and ``duration`` in seconds select a part of it.
- ``track_id``, ``artist_id``; ``title``, ``artist``, ``album``, ``year``; ``split``.
- ``tags``, ``similar_artists``: lists. In separated values: a JSON list, or values separated by
  ``;`` or ``|``, or else by commas.
- ``captions`` (also ``caption``, ``text``, ``sentence`` or ``description``): a list, or one
  sentence. Several captions may also stand in numbered columns (``caption_1``), or in rows of their
  own: rows of one clip become one clip.
- Every other column is a label, such as ``genre`` for zero-shot classification.

Names of columns are compared without case. Values that are missing (empty, NaN) are no values.

Shards contain the audio as well: WebDataset ``.tar`` (``KEY.flac`` beside ``KEY.json`` with the
columns, or ``KEY.txt`` with a caption), and Parquet with bytes in the column ``audio``, as in
Hugging Face data sets. Only their texts are held in memory.

All errors are collected and reported at once, with line numbers, before any work starts.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tunespace.audio.archives import exists, modification_stamp
from tunespace.data.columns import Columns, is_missing, read_columns
from tunespace.data.tables import ReportProblem, files_of, read_rows
from tunespace.errors import DataError

_SPREADSHEETS = (".csv", ".tsv")
_LISTS = ("tags", "captions", "similar_artists")
_YEAR = re.compile(r"(?<!\d)(1\d\d\d|20\d\d)(?!\d)")


@dataclass(frozen=True)
class Item:
    """Clip and its annotations.

    Attributes:
        track_id: Id, unique within the manifest.
        audio: Audio file; None if only the texts are available.
        start: Start of the clip in the file, in seconds.
        duration: Length of the clip in seconds; None for the rest of the file.
        title: Title of the track.
        artist: Name of the artist.
        album: Title of the album.
        artist_id: Id of the artist in the data set; the name if there is none.
        year: Year of release; None if unknown.
        tags: Tags.
        captions: Captions.
        similar_artists: ``artist_id`` of similar artists.
        split: Name of the split, such as "train" or "test".
        labels: All other columns.
        line: Line in the file, from 1.

    Examples:
        >>> Item("1", tags=("jazz",), captions=("slow jazz with a trumpet",)).tags
        ('jazz',)
    """

    track_id: str
    audio: Path | None = None
    start: float = 0.0
    duration: float | None = None
    title: str = ""
    artist: str = ""
    album: str = ""
    artist_id: str = ""
    year: int | None = None
    tags: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    similar_artists: tuple[str, ...] = ()
    split: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    line: int = 0

    @property
    def artist_key(self) -> str:
        """Id of the artist, or the name if there is no id."""
        return self.artist_id or self.artist


@dataclass(frozen=True)
class Manifest:
    """Clips to evaluate or train with.

    Attributes:
        name: Name for reports.
        items: Clips in the order of the file.
        categories: Category of each tag, such as "genre", if known.
        citation: Citation of the data set.
        licence: Licence of the data set.
        remarks: Remarks that a reader of results needs.
        data: Name of the data set; empty for a manifest of your own.
        split: Name of the split.

    Examples:
        >>> len(load_manifest("music.csv").items)
        3
    """

    name: str
    items: tuple[Item, ...]
    categories: Mapping[str, str] = field(default_factory=dict)
    citation: str = ""
    licence: str = ""
    remarks: tuple[str, ...] = ()
    data: str = ""
    split: str = ""

    @property
    def sha256(self) -> str:
        """Hash of texts, labels, and the size of each audio file."""
        hashed = hashlib.sha256()
        for item in self.items:
            size = modification_stamp(item.audio)[0] if item.audio and exists(item.audio) else None
            known = (item.track_id, size, item.start, item.duration, item.tags, item.captions)
            about = (item.title, item.artist_key, item.album, item.year, item.similar_artists)
            row = (*known, *about, sorted(item.labels.items()))
            hashed.update(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()

    def subset(self, split: str) -> "Manifest":
        """Return the clips of one split.

        Raises:
            DataError: There is no such split.
        """
        items = tuple(item for item in self.items if item.split == split)
        if not items:
            raise DataError([_missing_split_error(self.name, split, self.items)])
        return replace(self, items=items)


def no_problems(_items: Sequence[Item]) -> list[str]:
    """Report no problems: the default check of ``load_manifest``."""
    return []


def load_manifest(
    path: str | Path,
    *,
    split: str = "",
    faults: Callable[[Sequence[Item]], list[str]] = no_problems,
    rejected: list[str] | None = None,
) -> Manifest:
    """Load and validate a manifest.

    Args:
        path: Path of the file; or a folder of shards, or a pattern such as ``shards/*.tar``.
        split: Split to load; empty for all.
        faults: Further check of the clips that returns problems, such as ``missing_audio``; they
            are reported together with those of the file.
        rejected: List that receives the problem of each invalid row, which is left out: one line of
            a million should not stop a training run. None to raise instead.

    Raises:
        DataError: The file cannot be read, or is not valid; the message names all problems.

    Examples:
        >>> manifest = load_manifest("music.csv")
        >>> [item.tags for item in manifest.items]
        [('low', 'tone'), ('middle', 'tone'), ('high', 'tone')]
    """
    problems: list[str] = []
    wrong_rows = problems if rejected is None else rejected
    clips: dict[str, Item] = {}
    first: dict[str, str] = {}
    remarks: dict[str, None] = {}
    for file in (files := files_of(path)):
        columns: dict[tuple[str, ...], Columns] = {}
        for line, row in read_rows(file, wrong_rows.append):
            if file.suffix in _SPREADSHEETS and all(map(is_missing, row.values())):
                continue  # an empty line
            names = tuple(row)
            if names not in columns:
                columns[names] = read_columns(names, file)
                remarks |= dict.fromkeys(columns[names].remarks)
            before = len(wrong_rows)
            item = _item(row, columns[names], line, file, wrong_rows.append)
            if item is None or (rejected is not None and len(wrong_rows) > before):
                continue
            here = f"line {line}" if len(files) == 1 else f"{file.name} line {line}"
            at = first.setdefault(item.track_id, here)
            same = clips.get(item.track_id)
            merged = item if same is None else _merge(same, item)
            if merged is None:
                wrong_rows.append(
                    f"{file} line {line}: {item.track_id!r} is also {at}, with other values"
                )
            else:
                clips[item.track_id] = merged
    items = list(clips.values())
    name = Path(path).stem.rstrip("*-_") or Path(path).parent.name
    kept = [item for item in items if not split or item.split == split]
    if split and not kept:
        problems.append(_missing_split_error(name, split, items))
    problems += faults(kept or items)
    if problems:
        raise DataError(problems)
    if not items:
        raise DataError([f"{path} contains no clips", *(rejected or [])])
    return Manifest(name, tuple(kept), split=split, remarks=tuple(remarks))


def write_manifest(items: Sequence[Item], path: Path) -> None:
    """Write clips as JSON lines that ``load_manifest`` reads, with absolute audio paths.

    A clip whose file name is not valid text is left out.
    """
    lines = []
    for item in items:
        known = asdict(item) | {"audio": str(item.audio.absolute()) if item.audio else ""}
        labels = known.pop("labels")
        del known["line"]
        row = {key: value for key, value in known.items() if value not in (None, "", ())}
        try:
            lines.append(json.dumps(labels | row, ensure_ascii=False).encode())
        except UnicodeEncodeError:
            continue
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def missing_audio(items: Sequence[Item], name: str = "") -> list[str]:
    """Return a sentence for each clip whose audio file is missing."""
    return [
        f"{name}{_line(item)}: {item.audio or 'audio'} does not exist".strip()
        for item in items
        if item.audio is None or not exists(item.audio)
    ]


def with_audio(manifest: Manifest) -> Manifest:
    """Return the manifest with the clips whose audio file exists.

    Raises:
        DataError: No file exists.

    Examples:
        >>> len(with_audio(load_manifest("music.csv")).items)
        3
    """
    items = tuple(item for item in manifest.items if item.audio and exists(item.audio))
    if not items:
        raise DataError([f"{manifest.name}: not one of its {len(manifest.items):,} files exists"])
    return replace(manifest, items=items)


def _missing_split_error(name: str, split: str, items: Iterable[Item]) -> str:
    known = sorted({item.split for item in items if item.split})
    has = f"it has {', '.join(known)}" if known else "it has none"
    return f"{name}: there is no split {split!r}; {has}"


def _merge(one: Item, other: Item) -> Item | None:
    """Return the clip of two rows that differ in their captions and tags only; None if they do not.

    Most files of captions have a row for each.
    """
    captions = tuple(dict.fromkeys((*one.captions, *other.captions)))
    tags = tuple(dict.fromkeys((*one.tags, *other.tags)))
    merged = replace(one, captions=captions, tags=tags)
    if replace(other, captions=captions, tags=tags, line=one.line) != merged:
        return None
    return merged


def _line(item: Item) -> str:
    return f" line {item.line}" if item.line else f" {item.track_id}"


def _item(
    raw: Mapping[str, Any], columns: Columns, line: int, file: Path, wrong: ReportProblem
) -> Item | None:
    row = columns.values(raw)

    def complain(what: str) -> None:
        wrong(f"{file} line {line}: {what}")

    def text(name: str) -> str:
        return str(row.get(name) or "").strip()

    def number(name: str) -> float | None:
        value = row.get(name)
        if value is None:
            return None
        try:
            parsed = float(value)
        except (TypeError, ValueError):
            complain(f"{name} {value!r} is not a number")
            return None
        if not 0 <= parsed < float("inf"):
            complain(f"{name} {value!r} is not possible")
            return None
        return parsed

    def year() -> int | None:
        date = _YEAR.search(text("year"))
        if date is not None:
            return int(date.group())
        value = number("year")
        return None if value is None else int(value)

    audio = text("audio").removeprefix("file://")
    if not audio:
        complain("names no audio")
        return None
    start, duration = number("start"), number("duration")
    if duration == 0:
        complain("duration is 0")
        duration = None
    lists: dict[str, tuple[str, ...]] = {}
    for name in _LISTS:
        values = _list(row.get(name), sentences=name == "captions")
        if any(map(is_missing, values)):
            complain(f"an empty text among its {name.replace('_', ' ')}")
        lists[name] = tuple(value.strip() for value in values if not is_missing(value))
    return Item(
        track_id=text("track_id") or _name(audio, start, duration),
        audio=_path(file.parent, audio),
        start=start or 0.0,
        duration=duration,
        year=year(),
        labels={
            name.strip(): str(raw[name]).strip()
            for name in columns.labels
            if not is_missing(raw.get(name))
        },
        line=line,
        title=text("title"),
        artist=text("artist"),
        album=text("album"),
        artist_id=text("artist_id"),
        split=text("split"),
        tags=lists["tags"],
        captions=lists["captions"],
        similar_artists=lists["similar_artists"],
    )


def _path(folder: Path, audio: str) -> Path:
    """Return the path of an audio file; a table of Windows may have backslashes."""
    path = folder / audio
    if "\\" in audio and not exists(path):
        return folder / audio.replace("\\", "/")
    return path


def _name(audio: str, start: float | None, duration: float | None) -> str:
    """Return the id of a clip without ``track_id``: its file and its part of it."""
    return audio if start is None and duration is None else f"{audio}@{start or 0:g}+{duration}"


def _list(value: object, *, sentences: bool) -> Sequence[str]:
    if value is None or value == "":
        return ()
    if isinstance(value, list | tuple):
        return [str(v) for v in value]
    text = str(value)
    if text.lstrip().startswith("["):
        try:
            parsed = json.loads(text)
        except ValueError:
            pass
        else:
            return [str(v) for v in parsed]
    if sentences:
        return [text]
    mark = next((mark for mark in (";", "|", ",") if mark in text), ";")
    # A separator at the end is no empty value.
    return text.strip().removesuffix(mark).split(mark)
