"""A library as a plane: tracks that sound alike lie side by side, and regions have names.

Some thousand tracks are laid out by t-SNE (van der Maaten and Hinton 2008; openTSNE); every other
lies among those that it is nearest to. So a hundred thousand tracks take hardly longer than five
thousand, and a few new ones do not move the rest: the laid out ones are kept.

All this is done in a process of its own: it needs memory and both cores for a while.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tunespace.library import Library
from tunespace.models import Model, load_model
from tunespace.models.onnx_towers import normalize_rows
from tunespace.server.services.genre_index import genres_of

Vectors = npt.NDArray[np.float32]

# Of what is written below: maps of another version are made anew.
VERSION = 1
LANDMARKS = 4000
_NEIGHBOURS = 6
# How much nearer a landmark has to be to count e times as much.
_SHARPNESS = 0.03
# Laid out anew when the library has so many times as many tracks as it had.
_GROWN = 1.5
_FEWEST = 5
_KINDS = ("genre", "mood", "instrument")
_REGIONS = (3, 24)
_SEED = 0


@dataclass(frozen=True)
class Region:
    """A part of the plane.

    Attributes:
        x: Of its middle, -1..1.
        y: Of its middle.
        name: The word that fits its tracks best, beside all others.
        count: Of its tracks.
    """

    x: float
    y: float
    name: str
    count: int


@dataclass(frozen=True)
class Layout:
    """Where the tracks of a library lie.

    Attributes:
        ids: ``(tracks,)`` int64.
        places: ``(tracks, 2)`` float32, -1..1.
        genres: ``(tracks,)`` uint8, index into ``genre_names``; 255 for none of them.
        genre_names: The most frequent genres.
        regions: With names.
    """

    ids: npt.NDArray[np.int64]
    places: Vectors
    genres: npt.NDArray[np.uint8]
    genre_names: tuple[str, ...]
    regions: tuple[Region, ...]

    def save(self, path: Path) -> None:
        """Writes it whole or not at all."""
        said = {
            "genre_names": self.genre_names,
            "regions": [asdict(region) for region in self.regions],
        }
        _write(
            path,
            ids=self.ids,
            places=self.places,
            genres=self.genres,
            said=json.dumps(said),
        )

    @classmethod
    def load(cls, path: Path) -> "Layout":
        """Reads it."""
        with np.load(path, allow_pickle=False) as file:
            said = json.loads(str(file["said"]))
            return cls(
                file["ids"],
                file["places"],
                file["genres"],
                tuple(said["genre_names"]),
                tuple(Region(**region) for region in said["regions"]),
            )


def lay_out(library: Library, landmarks: Path) -> Layout:
    """Where the tracks of a library lie.

    Args:
        library: With at least one track.
        landmarks: File of the tracks that are laid out; made, or made anew, when it has to be.
    """
    ids, vectors = library.embeddings()
    marks, places = _landmarks(ids, vectors, landmarks)
    everywhere = _among(vectors, marks, places)
    names, genres = genres_of(library, ids)
    regions = _regions(library.model, vectors, everywhere)
    return Layout(ids, everywhere, genres, names, regions)


def _landmarks(ids: npt.NDArray[np.int64], vectors: Vectors, path: Path) -> tuple[Vectors, Vectors]:
    """Vectors and places of the tracks that are laid out."""
    try:
        with np.load(path, allow_pickle=False) as file:
            marks, places, total = file["vectors"], file["places"], int(file["total"])
        fits = marks.shape[1] == vectors.shape[1]
        if fits and total / _GROWN <= len(ids) <= total * _GROWN:
            return marks, places
    except (OSError, ValueError, KeyError):
        pass
    chosen = np.random.default_rng(_SEED).permutation(len(ids))[:LANDMARKS]
    marks = np.ascontiguousarray(vectors[np.sort(chosen)])
    places = _in_plane(marks)
    _write(path, vectors=marks, places=places, total=len(ids))
    return marks, places


def _write(path: Path, **arrays: Any) -> None:  # noqa: ANN401 - whatever becomes an array
    """Writes arrays whole or not at all."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with new.open("wb") as file:
        np.savez(file, **arrays)
    new.replace(path)


def _in_plane(vectors: Vectors) -> Vectors:
    """``(tracks, 2)`` float32 within -1..1."""
    if len(vectors) < _FEWEST:  # too few for neighbourhoods: a circle
        angles = 2 * np.pi * np.arange(len(vectors)) / max(1, len(vectors))
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) * 0.5
    from openTSNE import TSNE

    perplexity = min(30.0, (len(vectors) - 1) / 3)
    tsne = TSNE(
        perplexity=perplexity,
        metric="cosine",
        initialization="pca",
        random_state=_SEED,
        n_jobs=os.cpu_count() or 1,
    )
    places = np.asarray(tsne.fit(vectors), np.float32)
    places -= places.mean(axis=0)
    # A few outliers must not press all others together.
    reach = np.quantile(np.abs(places), 0.995) or 1.0
    return np.clip(places / reach * 0.95, -1, 1).astype(np.float32)


def _among(vectors: Vectors, marks: Vectors, places: Vectors) -> Vectors:
    """Each track among the landmarks that it is nearest to; a landmark stays where it is."""
    count = min(_NEIGHBOURS, len(marks))
    found = np.empty((len(vectors), 2), np.float32)
    for first in range(0, len(vectors), 4096):
        near = vectors[first : first + 4096] @ marks.T
        rows = np.argpartition(-near, count - 1, axis=1)[:, :count]
        cosines = np.take_along_axis(near, rows, axis=1)
        weights = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / _SHARPNESS)
        weights[cosines > 1 - 1e-5] = 1e6
        weights /= weights.sum(axis=1, keepdims=True)
        found[first : first + 4096] = (places[rows] * weights[:, :, None]).sum(axis=1)
    return found


def _regions(model: Model, vectors: Vectors, places: Vectors) -> tuple[Region, ...]:
    """Parts of the plane, each with a name that no other has; none where the model has no words."""
    words = model.lexicon_vectors
    if words is None or len(vectors) < _FEWEST:
        return ()
    from sklearn.cluster import KMeans

    fewest, most = _REGIONS
    count = int(np.clip(np.sqrt(len(vectors)) / 1.8, fewest, min(most, len(vectors))))
    some = np.random.default_rng(_SEED).permutation(len(vectors))[:20_000]
    parts = KMeans(count, n_init=3, random_state=_SEED).fit(places[some])
    part_of = parts.predict(places)
    means = np.stack([vectors[part_of == part].mean(axis=0) for part in range(count)])
    entries = [
        e for e in words.lexicon.entries.values() if e.kind in _KINDS and "no " not in e.word
    ]
    points = np.stack([words.vector(entry.word) for entry in entries])
    fits = normalize_rows(means - vectors.mean(axis=0)) @ points.T
    named: dict[int, str] = {}
    taken = np.zeros(len(entries), bool)
    for place in np.argsort(-fits, axis=None, kind="stable"):
        part, word = divmod(int(place), len(entries))
        if part in named or taken[word]:
            continue
        named[part] = entries[word].word
        # Words that mean nearly the same do not tell two regions apart.
        taken |= points @ points[word] > 0.9
        if len(named) == count:
            break
    return tuple(
        Region(float(x), float(y), named[part], int((part_of == part).sum()))
        for part, (x, y) in enumerate(parts.cluster_centers_)
        if part in named
    )


def main(folder: str, model: str, landmarks: str, out: str) -> None:
    """The whole life of the process that lays a library out."""
    if hasattr(os, "nice"):  # searching comes first
        os.nice(5)
    with Library.open(folder, model=load_model(model), create=False) as library:
        lay_out(library, Path(landmarks)).save(Path(out))
