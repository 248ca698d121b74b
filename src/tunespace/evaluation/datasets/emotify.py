"""Emotify: 400 clips of 60 s in four genres, with the emotions of 8,407 listeners.

Nine emotions of the Geneva Emotional Music Scale. A clip's share of an emotion is the fraction of
its listeners who chose it (up to three each). Two evaluations are in use:

- ours: a clip is positive for an emotion at or above the 75th percentile of the shares among the
  evaluated clips; the figure is the mean ROC-AUC over the nine;
- TTMR's (Doh et al. 2023): the emotion with the largest share is the only correct one among nine,
  on 80 test clips of a stratified draw (27 of 80 correct is the .3375 of its paper). If a clip has
  its largest share twice, the first in the order of the columns counts.

The file of clip n is ``GENRE/((n - 1) % 100 + 1).mp3``. TTMR's preprocessing maps the ids 110 to
390 that end in 0 to number 100 of their genre instead, so 27 of its clips have the audio of
another. Magnatune's music is also MagnaTagATune's. ``unseen-artists`` are the 99 clips of artists
who are not in MagnaTagATune, for models that were trained on it or on the output of a tagger that
was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from tunespace.data.manifest import Item, Manifest
from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset, read_table
from tunespace.evaluation.protocols import (
    NegationPairs,
    Protocol,
    SameArtist,
    SentenceToMusic,
    TagToMusic,
    ZeroShot,
)

# Each emotion with the word that is its query.
EMOTIONS = {
    "amazement": "wonder",
    "solemnity": "solemn",
    "tenderness": "tender",
    "nostalgia": "nostalgic",
    "calmness": "calm",
    "power": "powerful",
    "joyful_activation": "joyful",
    "tension": "tense",
    "sadness": "sad",
}
_QUANTILE = 75


def _numbers(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split()))


# TTMR's 80 test clips: scikit-learn's stratified draw within each emotion, seed 42.
TTMR_TEST = _numbers(
    """
    14 15 17 24 26 34 35 46 47 49 50 51 58 62 68 75 87 88 99 104 110 120 121 122 123 130 131 138
    144 147 149 150 171 177 181 185 186 195 200 208 222 226 234 236 246 247 252 259 261 266 269
    272 273 281 284 285 286 291 292 300 309 316 317 328 332 333 334 336 338 340 343 344 346 347
    355 366 376 382 383 386
    """
)

# Clips whose artist is not in MagnaTagATune's clip_info_final.csv.
UNSEEN_ARTISTS = _numbers(
    """
    3 4 5 10 11 13 14 15 16 17 21 24 25 30 33 39 40 46 47 49 50 52 53 57 58 59 60 63 66 72 73 74
    75 77 82 86 88 89 97 101 104 106 107 108 110 111 113 114 115 116 117 121 122 149 155 156 171
    172 174 175 180 185 190 194 198 200 201 204 205 206 207 208 209 211 214 216 217 218 219 220
    222 223 236 246 249 300 301 302 307 310 330 350 351 368 376 380 383 392 396
    """
)


@dataclass(frozen=True)
class _Clip:
    """Row of a clip from either file; ``shares`` in the order of ``EMOTIONS``."""

    number: int
    audio: Path
    genre: str
    shares: tuple[float, ...]
    title: str = ""
    artist: str = ""
    album: str = ""


class Emotify(Dataset):
    """Emotify; see the module."""

    name: ClassVar[str] = "emotify"
    title: ClassVar[str] = "Emotify"
    citation: ClassVar[str] = (
        "A. Aljanaki, F. Wiering, R. C. Veltkamp: Studying emotion induced by music through a "
        "crowdsourcing game. Information Processing & Management 52(1), 2016"
    )
    licence: ClassVar[str] = "Magnatune recordings, CC BY-NC-SA"
    needs: ClassVar[str] = (
        "Put the published archive into one folder and name that folder with --root: data.csv "
        "(8,407 rows, one for each listener and clip) and the folders classical, electronic, pop "
        "and rock with 1.mp3 to 100.mp3 each. A folder with emotify.tsv (one row for each clip, "
        "with its path and its shares) is read as well."
    )
    splits: ClassVar[tuple[str, ...]] = ("all", "unseen-artists", "ttmr-test")
    protocols: ClassVar[tuple[Protocol, ...]] = (
        ZeroShot(name="genre"),
        TagToMusic(name="emotions", category="emotion"),
        ZeroShot(
            name="strongest-emotion",
            label="emotion",
            words=tuple(EMOTIONS.items()),
            prompts=("{}", "{} music", "this sounds {}"),
        ),
        SentenceToMusic(name="sentences"),
        SameArtist(),
        NegationPairs(name="negated-emotions", category="emotion", refused="not {}"),
    )

    def to_manifest(self, root: Path, split: str = "") -> Manifest:
        """Read data.csv or emotify.tsv; see ``needs``."""
        chosen = self.resolve_split(split)
        clips = self._clips(root)
        kept = {"unseen-artists": UNSEEN_ARTISTS, "ttmr-test": TTMR_TEST}.get(chosen)
        if kept is not None:
            clips = [clip for clip in clips if clip.number in kept]
        shares = np.array([clip.shares for clip in clips])
        positive = shares >= np.percentile(shares, _QUANTILE, axis=0)
        return Manifest(
            name=f"emotify ({chosen})",
            items=tuple(
                _item(clip, row, chosen) for clip, row in zip(clips, positive, strict=True)
            ),
            categories=dict.fromkeys(EMOTIONS.values(), "emotion"),
            citation=self.citation,
            licence=self.licence,
        )

    def _clips(self, root: Path) -> list[_Clip]:
        if (root / "data.csv").exists():
            return _of_listeners(root)
        if (root / "emotify.tsv").exists():
            return _of_means(root)
        raise self.missing_files_error(f"{root / 'data.csv'}")


def _of_means(root: Path) -> list[_Clip]:
    """Read a table with one row for each clip."""
    path = root / "emotify.tsv"
    try:
        return [
            _Clip(
                number=int(row["track_id"]),
                audio=root / row["path"],
                genre=row["genre"],
                shares=tuple(float(row[name]) for name in EMOTIONS),
                title=row.get("title", "").strip(),
                artist=row.get("artist", "").strip(),
                album=row.get("album", "").strip(),
            )
            for row in read_table(path, "\t")
        ]
    except (KeyError, ValueError) as error:
        raise DataError([f"{path} is not in the published format ({error!r})"]) from error


def _of_listeners(root: Path) -> list[_Clip]:
    """Read the published file, with one row for each listener and clip."""
    path = root / "data.csv"
    votes: dict[int, list[list[float]]] = {}
    genres: dict[int, str] = {}
    try:
        for row in read_table(path):
            number = int(row["track id"])
            genres[number] = row["genre"].strip()
            votes.setdefault(number, []).append([float(row[name]) for name in EMOTIONS])
    except (KeyError, ValueError) as error:
        raise DataError([f"{path} is not in the published format ({error!r})"]) from error
    return [
        _Clip(
            number=number,
            audio=_audio(root, genres[number], number),
            genre=genres[number],
            shares=tuple(float(share) for share in np.mean(votes[number], axis=0)),
        )
        for number in sorted(votes)
    ]


def _audio(root: Path, genre: str, number: int) -> Path:
    """Return the file of a clip; the archive has the folders at the top or in one folder."""
    name = Path(genre) / f"{(number - 1) % 100 + 1}.mp3"
    inner = root / "emotifymusic" / name
    return inner if inner.exists() else root / name


def _item(clip: _Clip, positive: Sequence[bool], split: str) -> Item:
    names, words = list(EMOTIONS), list(EMOTIONS.values())
    # The first of equal shares, as in TTMR.
    order = sorted(range(len(names)), key=lambda k: -clip.shares[k])
    first, second = words[order[0]], words[order[1]]
    return Item(
        track_id=str(clip.number),
        audio=clip.audio,
        title=clip.title,
        artist=clip.artist,
        album=clip.album,
        tags=tuple(word for word, yes in zip(words, positive, strict=True) if yes),
        # Written from the clip's genre and its two strongest emotions.
        captions=(f"a {first}, {second} piece of {clip.genre} music",),
        split=split,
        labels={"genre": clip.genre, "emotion": names[order[0]]},
    )
