"""LP-MusicCaps: captions that a language model wrote from tags (Doh et al. 2023).

Three sets of the same form: ``mc`` on MusicCaps, ``mtt`` on MagnaTagATune, ``msd`` on the Million
Song Dataset, each with up to four sentences per clip: writing, summary, paraphrase, attribute
prediction. No person listened: the last one contains words that are only likely. Published hit@5 on
``mtt`` uses 300 clips of the test split.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tunespace.data.manifest import Item, Manifest
from tunespace.data.tables import raise_unreadable, read_rows
from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset, audio_by_id, first_existing
from tunespace.evaluation.protocols import MusicToText, Protocol, SentenceToMusic, TagToMusic

_SENTENCES = (
    "caption_writing",
    "caption_summary",
    "caption_paraphrase",
    "caption_attribute_prediction",
)


class LpMusicCaps(Dataset):
    """LP-MusicCaps; see the module."""

    name: ClassVar[str] = "lp-musiccaps"
    title: ClassVar[str] = "LP-MusicCaps"
    citation: ClassVar[str] = (
        "S. Doh, K. Choi, J. Lee, J. Nam: LP-MusicCaps: LLM-based pseudo music captioning. ISMIR "
        "2023"
    )
    licence: ClassVar[str] = "captions CC BY-NC 4.0; audio is its owners'"
    needs: ClassVar[str] = (
        "Put the published table of a split (test.parquet, or exported as test.csv or "
        "test.jsonl) into a folder, and the audio into its folder audio under the names of the "
        "column path (mtt, msd) or fname (mc; any audio format); name the folder with --root."
    )
    splits: ClassVar[tuple[str, ...]] = ("test", "valid", "train")
    protocols: ClassVar[tuple[Protocol, ...]] = (SentenceToMusic(), MusicToText(), TagToMusic())

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Read the table of one split."""
        chosen = self.resolve_split(split)
        tables = [root / f"{chosen}{suffix}" for suffix in (".parquet", ".csv", ".jsonl")]
        tables += sorted(root.glob(f"{chosen}-*.parquet"))[:1]
        table = first_existing(tables)
        if table is None:
            raise self.missing_files_error(str(tables[0]))
        files = audio_by_id(root / "audio")
        rows = read_rows(table, raise_unreadable)
        items = [_item(row, line, root, files, table, chosen) for line, row in rows]
        return Manifest(f"{self.name} ({chosen})", tuple(items), {}, self.citation, self.licence)


def _item(
    row: Mapping[str, Any], line: int, root: Path, files: dict[str, Path], table: Path, split: str
) -> Item:
    path = str(row.get("path") or row.get("audio") or row.get("fname") or "")
    captions = tuple(str(row[name]).strip() for name in _SENTENCES if row.get(name))
    if not path or not captions:
        raise DataError([f"{table} line {line}: is not in the published format"])
    audio = first_existing([root / "audio" / path, root / path]) or files.get(Path(path).stem)
    tags = row.get("tags") or row.get("aspect_list") or ()
    return Item(
        track_id=str(row.get("track_id") or row.get("fname") or path),
        audio=audio or root / "audio" / path,
        title=str(row.get("title") or ""),
        artist=str(row.get("artist_name") or ""),
        album=str(row.get("release") or ""),
        tags=tuple(map(str, tags)) if isinstance(tags, list | tuple) else (),
        captions=captions,
        split=split,
        line=line,
    )
