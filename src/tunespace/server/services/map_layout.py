"""Layout of the map: similar tracks lie side by side, and regions have names.

A few thousand landmark tracks are laid out by t-SNE (van der Maaten and Hinton 2008);
every other track is placed among the landmarks nearest to it. So a hundred thousand tracks take
hardly longer than five thousand, and new tracks do not move the others: the landmarks are kept.

This runs in a subprocess: it needs memory and all cores for a while.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tunespace.files import replacing
from tunespace.library import Library
from tunespace.library.store.vector_matrix import DAMAGED_ARRAYS
from tunespace.models import Model, load_model
from tunespace.models.onnx_towers import normalize_rows
from tunespace.server.services.genre_index import genre_index

Vectors = npt.NDArray[np.float32]

# Version of the file format: maps of another version are built again.
VERSION = 3
LANDMARKS = 4000
_NEIGHBOURS = 6
# Difference of the cosines at which a landmark weighs e times as much.
_SHARPNESS = 0.03
# Factor of growth of the library after which landmarks are chosen again.
_GROWN = 1.5
# Fewer tracks have no neighbourhoods.
_MIN_TRACKS = 5
_KINDS = ("genre", "mood", "instrument")
_REGIONS = (3, 24)
_SEED = 0


@dataclass(frozen=True)
class Region:
    """Region of the map.

    Attributes:
        x: Centre, -1 to 1.
        y: Centre, -1 to 1.
        name: Lexicon word that matches its tracks better than those of other regions.
        count: Number of its tracks.
    """

    x: float
    y: float
    name: str
    count: int


@dataclass(frozen=True)
class Layout:
    """Map of a library.

    Attributes:
        ids: ``(tracks,)`` int64 track ids.
        places: ``(tracks, 2)`` float32 coordinates, -1 to 1.
        genres: ``(tracks,)`` uint8, index into ``genre_names``; 255 for none of them.
        genre_names: Most frequent genres.
        regions: Named regions.
    """

    ids: npt.NDArray[np.int64]
    places: Vectors
    genres: npt.NDArray[np.uint8]
    genre_names: tuple[str, ...]
    regions: tuple[Region, ...]

    def save(self, path: Path) -> None:
        """Write the map atomically."""
        labels = {
            "genre_names": self.genre_names,
            "regions": [asdict(region) for region in self.regions],
        }
        _write(
            path,
            ids=self.ids,
            places=self.places,
            genres=self.genres,
            labels=json.dumps(labels),
        )

    @classmethod
    def load(cls, path: Path) -> "Layout":
        """Load a map.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file is not a map.
        """
        with np.load(path, allow_pickle=False) as file:
            labels = json.loads(str(file["labels"]))
            return cls(
                file["ids"],
                file["places"],
                file["genres"],
                tuple(labels["genre_names"]),
                tuple(Region(**region) for region in labels["regions"]),
            )


def lay_out(library: Library, landmarks: Path) -> Layout:
    """Lay out the tracks of a library.

    Args:
        library: Library with at least one track.
        landmarks: File of the landmarks; written if there is none, or if the library has grown.
    """
    ids, vectors = library.embeddings()
    marks, mark_places = _landmarks(ids, vectors, landmarks)
    places = _place_among(vectors, marks, mark_places)
    names, genres = genre_index(library, ids)
    regions = _regions(library.model, vectors, places)
    return Layout(ids, places, genres, names, regions)


def _landmarks(ids: npt.NDArray[np.int64], vectors: Vectors, path: Path) -> tuple[Vectors, Vectors]:
    """Return embeddings and places of the landmarks."""
    try:
        with np.load(path, allow_pickle=False) as file:
            marks, places, total = file["vectors"], file["places"], int(file["total"])
        fits = marks.shape[1] == vectors.shape[1]
        if fits and total / _GROWN <= len(ids) <= total * _GROWN:
            return marks, places
    except DAMAGED_ARRAYS:
        pass
    chosen = np.random.default_rng(_SEED).permutation(len(ids))[:LANDMARKS]
    marks = np.ascontiguousarray(vectors[np.sort(chosen)])
    places = _run_tsne(marks)
    _write(path, vectors=marks, places=places, total=len(ids))
    return marks, places


def _write(path: Path, **arrays: Any) -> None:  # noqa: ANN401 - array-like
    with replacing(path) as file:
        np.savez(file, **arrays)


def _run_tsne(vectors: Vectors) -> Vectors:
    """Return ``(tracks, 2)`` float32 coordinates, -1 to 1."""
    if len(vectors) < _MIN_TRACKS:  # a circle
        angles = 2 * np.pi * np.arange(len(vectors)) / max(1, len(vectors))
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) * 0.5
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(vectors) - 1) / 3)
    tsne = TSNE(
        perplexity=perplexity,
        metric="cosine",
        init="pca",
        random_state=_SEED,
        n_jobs=os.cpu_count() or 1,
    )
    places = np.asarray(tsne.fit_transform(vectors), np.float32)
    places -= places.mean(axis=0)
    # A few outliers must not compress all others.
    reach = np.quantile(np.abs(places), 0.995) or 1.0
    return np.clip(places / reach * 0.95, -1, 1).astype(np.float32)


def _place_among(vectors: Vectors, marks: Vectors, places: Vectors) -> Vectors:
    """Place each track among the landmarks nearest to it; a landmark keeps its place."""
    count = min(_NEIGHBOURS, len(marks))
    result = np.empty((len(vectors), 2), np.float32)
    for first in range(0, len(vectors), 4096):
        near = vectors[first : first + 4096] @ marks.T
        rows = np.argpartition(-near, count - 1, axis=1)[:, :count]
        cosines = np.take_along_axis(near, rows, axis=1)
        weights = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / _SHARPNESS)
        weights[cosines > 1 - 1e-5] = 1e6
        weights /= weights.sum(axis=1, keepdims=True)
        result[first : first + 4096] = (places[rows] * weights[:, :, None]).sum(axis=1)
    return result


def _regions(model: Model, vectors: Vectors, places: Vectors) -> tuple[Region, ...]:
    """Return regions with distinct names; none if the model has no lexicon."""
    words = model.lexicon_vectors
    if words is None or len(vectors) < _MIN_TRACKS:
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
        # Near-synonyms do not distinguish two regions.
        taken |= points @ points[word] > 0.9
        if len(named) == count:
            break
    return tuple(
        Region(float(x), float(y), named[part], int((part_of == part).sum()))
        for part, (x, y) in enumerate(parts.cluster_centers_)
        if part in named
    )


def main(folder: str, model: str, landmarks: str, out: str) -> None:
    """Entry point of the map-layout subprocess."""
    if hasattr(os, "nice"):  # searches have priority
        os.nice(5)
    with Library.open(folder, model=load_model(model), create=False) as library:
        lay_out(library, Path(landmarks)).save(Path(out))
