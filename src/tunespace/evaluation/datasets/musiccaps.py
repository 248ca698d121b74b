"""MusicCaps: 5,521 clips of 10 s from AudioSet, each with a caption and a list of aspects.

``eval`` are the 2,858 clips of AudioSet's evaluation split, which most papers call the test set;
``all`` are all clips; ``balanced`` are 1,000 of ``eval`` with balanced genres. The music is
AudioSet's: it is training data of a model trained on AudioSet. Clips disappear from their platform,
so the available clips differ: the report states their number, and two figures over different clips
are not comparable.
"""

import ast
from pathlib import Path
from typing import ClassVar

from tunespace.data.manifest import Item, Manifest
from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset, audio_by_id, read_table
from tunespace.evaluation.protocols import MusicToText, Protocol, SentenceToMusic

_FILE = "musiccaps-public.csv"


class MusicCaps(Dataset):
    """MusicCaps; see the module."""

    name: ClassVar[str] = "musiccaps"
    title: ClassVar[str] = "MusicCaps"
    citation: ClassVar[str] = (
        "A. Agostinelli et al.: MusicLM: Generating Music From Text. arXiv:2301.11325, 2023"
    )
    licence: ClassVar[str] = "captions CC BY-SA 4.0; audio is its owners'"
    needs: ClassVar[str] = (
        f"Put {_FILE} into a folder and name it with --root; the clips, cut to their 10 s, go into "
        "its folder audio as YTID.wav, or as YTID_START.wav (any audio format). With "
        "--skip-missing the clips that are there are judged."
    )
    splits: ClassVar[tuple[str, ...]] = ("eval", "train", "all", "balanced")
    protocols: ClassVar[tuple[Protocol, ...]] = (SentenceToMusic(), MusicToText())
    checksums: ClassVar[dict[str, str]] = {
        _FILE: "2f5e321c05ade97f827b58a7b01b75ffbff344fa91d08fa3df7b9dd2e67079bc"
    }

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Read the published table."""
        chosen = self.resolve_split(split)
        if not (root / _FILE).exists():
            raise self.missing_files_error(str(root / _FILE))
        files = audio_by_id(root / "audio")
        try:
            items = [
                _item(row, root, files)
                for row in read_table(root / _FILE)
                if _in_split(row, chosen)
            ]
        except (KeyError, ValueError, SyntaxError) as error:
            raise DataError(
                [f"{root / _FILE} is not in the published format ({error!r})"]
            ) from error
        return Manifest(f"{self.name} ({chosen})", tuple(items), {}, self.citation, self.licence)


def _in_split(row: dict[str, str], split: str) -> bool:
    is_eval, balanced = row["is_audioset_eval"] == "True", row["is_balanced_subset"] == "True"
    return {"eval": is_eval, "train": not is_eval, "balanced": balanced}.get(split, True)


def _item(row: dict[str, str], root: Path, files: dict[str, Path]) -> Item:
    name = row["ytid"]
    audio = files.get(name) or files.get(f"{name}_{row['start_s']}")
    aspects = ast.literal_eval(row["aspect_list"])
    return Item(
        track_id=f"{name}@{row['start_s']}",
        audio=audio or root / "audio" / f"{name}.wav",
        tags=tuple(dict.fromkeys(str(aspect).strip() for aspect in aspects if str(aspect).strip())),
        captions=(row["caption"].strip(),),
        split="eval" if row["is_audioset_eval"] == "True" else "train",
    )
