"""Probes of an embedding space, independent of any task: one function for each fault.

Sources: collapse: a broken checkpoint embeds all texts alike. Modality gap: Liang et al. 2022
(distance of centroids) and linear separability as in SLAP (Guinot et al. 2025). Hubness:
Radovanović et al. 2010 (skew of the k-occurrence).
"""

import tempfile
import wave
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunespace.errors import AudioError
from tunespace.evaluation.metrics.ranking import Floats
from tunespace.models import JointModel
from tunespace.models.model import Vectors

# A hundred short texts with different meanings.
_MOODS = "happy sad calm angry dark dreamy romantic energetic mysterious funny".split()
_KINDS = "jazz metal techno folk opera reggae hip-hop ambient samba country".split()
PROMPTS = tuple(f"{mood} {kind}" for mood in _MOODS for kind in _KINDS)
_CLIPS = 4
_RATE = 44_100
_SECONDS = 20.0
_QUIETER_DB = -12.0
_OFFSET_SECONDS = 0.5


def probe(
    model: JointModel, music: Vectors, paths: Sequence[Path], texts: Vectors, *, seed: int = 0
) -> dict[str, Any]:
    """Run all probes, for a report.

    Args:
        model: Model.
        music: ``(clips, dim)`` float32, unit rows.
        paths: Audio files of these clips; a few of them are embedded again.
        texts: ``(texts, dim)`` embeddings of ``PROMPTS``.
        seed: Random seed.
    """
    understood = texts[texts.any(axis=1)]
    step = max(1, len(paths) // _CLIPS)
    few = list(paths[::step][:_CLIPS])
    results: dict[str, Any] = {
        "spread of texts": spread(understood, seed=seed),
        "spread of music": spread(music, seed=seed),
        "modality gap": modality_gap(music, understood, seed=seed),
        "hubs among music, of texts": hubness(understood, music),
        "hubs among music, of music": hubness(music, music, same=True),
        "12 dB quieter": loudness(model, few),
        "as MP3 of 128 kbit/s": mp3_coding(model, few),
        "half a second later": window_offset(model, few),
    }
    plain = {name: _rounded(asdict(value)) for name, value in results.items()}
    plain["same file, same vector"] = {"largest difference": same_file_same_vector(model, few)}
    return plain


def _rounded(values: dict[str, float]) -> dict[str, float | None]:
    return {
        name: value if isinstance(value, int) else round(value, 4) if np.isfinite(value) else None
        for name, value in values.items()
    }


@dataclass(frozen=True)
class Spread:
    """Cosines between different embeddings of one modality.

    Attributes:
        mean: Mean; near 1 in a collapsed space.
        std: Standard deviation; near 0 in a collapsed space, above .05 in one that distinguishes.
        pairs: Number of pairs.
    """

    mean: float
    std: float
    pairs: int


def spread(vectors: Vectors, *, seed: int = 0, most: int = 2000) -> Spread:
    """Return the spread of cosines, which shows a collapse.

    Args:
        vectors: ``(n, dim)``, unit rows.
        seed: Random seed.
        most: Maximum number of embeddings.
    """
    if len(vectors) > most:
        chosen = np.random.default_rng(seed).choice(len(vectors), size=most, replace=False)
        vectors = vectors[chosen]
    cosines = (vectors.astype(np.float64) @ vectors.T)[np.triu_indices(len(vectors), k=1)]
    if not len(cosines):
        return Spread(np.nan, np.nan, 0)
    return Spread(float(cosines.mean()), float(cosines.std()), len(cosines))


@dataclass(frozen=True)
class ModalityGap:
    """Gap between embeddings of music and of texts.

    Attributes:
        distance: Distance between both centroids, 0 to 2.
        separability: Held-out accuracy of a linear classifier of the modality; .5 if both are
            mixed, 1 if they are separate.
    """

    distance: float
    separability: float


def modality_gap(music: Vectors, words: Vectors, *, seed: int = 0) -> ModalityGap:
    """Return the distance of both centroids, and the accuracy of Fisher's linear discriminant.

    Args:
        music: ``(tracks, dim)``, unit rows.
        words: ``(texts, dim)``, unit rows.
        seed: Random seed of the balanced sample and of the halves.
    """
    distance = float(np.linalg.norm(music.mean(axis=0) - words.mean(axis=0)))
    count = min(len(music), len(words))
    if count < 4:
        return ModalityGap(distance, np.nan)
    random = np.random.default_rng(seed)
    kinds = [random.permutation(kind.astype(np.float64))[:count].copy() for kind in (music, words)]
    right = 0
    for half in (0, 1):
        seen = [kind[half::2] for kind in kinds]
        other = [kind[1 - half :: 2] for kind in kinds]
        means = [kind.mean(axis=0) for kind in seen]
        within = np.cov(seen[0].T, bias=True) + np.cov(seen[1].T, bias=True)
        ridge = 1e-3 * np.trace(within) / len(within) + 1e-9
        normal = np.linalg.solve(within + ridge * np.eye(len(within)), means[0] - means[1])
        middle = (means[0] + means[1]) @ normal / 2
        right += int((other[0] @ normal > middle).sum() + (other[1] @ normal <= middle).sum())
    return ModalityGap(distance, right / (2 * count))


@dataclass(frozen=True)
class Hubness:
    """Hubness of a space.

    Attributes:
        skew: Skewness of the k-occurrence, the number of queries that have an item among their
            first k; 0 to 1 is even, and large if a few items answer everything.
        never: Fraction of items that are among the first k of no query.
        k: Number of nearest items.
    """

    skew: float
    never: float
    k: int


def hubness(queries: Vectors, items: Vectors, *, k: int = 10, same: bool = False) -> Hubness:
    """Return the skewness of the k-occurrence.

    Args:
        queries: ``(queries, dim)``, unit rows.
        items: ``(items, dim)``, unit rows.
        k: Number of nearest items.
        same: Whether the queries are the items; none is its own neighbour then.
    """
    k = min(k, len(items) - same)
    counts = np.zeros(len(items))
    for start in range(0, len(queries), 1024):
        scores = queries[start : start + 1024].astype(np.float64) @ items.T
        if same:
            rows = np.arange(len(scores))
            scores[rows, start + rows] = -np.inf
        if k > 0:
            nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            counts += np.bincount(nearest.ravel(), minlength=len(items))
    return Hubness(_skew(counts), float((counts == 0).mean()) if len(counts) else np.nan, k)


def _skew(values: Floats) -> float:
    centred = values - values.mean() if len(values) else values
    std = centred.std() if len(values) else 0.0
    return float((centred**3).mean() / std**3) if std > 0 else 0.0


@dataclass(frozen=True)
class Sensitivity:
    """Cosine between a clip and itself after a change that does not make it other music.

    Attributes:
        mean: Mean over clips; 1 for no change.
        lowest: Cosine of the clip that changes most.
        clips: Number of clips.
    """

    mean: float
    lowest: float
    clips: int


def same_file_same_vector(model: JointModel, paths: list[Path]) -> float:
    """Return the largest difference between two embeddings of the same file; it must be 0."""
    return max(
        (float(np.abs(_embed(model, p) - _embed(model, p)).max()) for p in paths), default=np.nan
    )


def loudness(model: JointModel, paths: list[Path]) -> Sensitivity:
    """Return the sensitivity to level: 12 dB quieter."""
    return _changed(model, paths, lambda wave, folder: _write(folder, wave * _gain(_QUIETER_DB)))


def mp3_coding(model: JointModel, paths: list[Path]) -> Sensitivity:
    """Return the sensitivity to lossy coding: MP3 at 128 kbit/s."""
    return _changed(model, paths, lambda wave, folder: _write_mp3(folder, wave))


def window_offset(model: JointModel, paths: list[Path]) -> Sensitivity:
    """Return the sensitivity to the start of the windows: half a second is cut off."""
    cut = round(_OFFSET_SECONDS * _RATE)
    return _changed(model, paths, lambda wave, folder: _write(folder, wave[cut:]))


def _changed(model: JointModel, paths: list[Path], change: Any) -> Sensitivity:  # noqa: ANN401
    """Return the sensitivity to a change; both versions are written as files."""
    from tunespace.audio import decode

    cosines = []
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            try:
                samples = decode(path, _RATE, duration=_SECONDS)
            except AudioError:
                continue
            if len(samples) < 2 * _RATE:
                continue
            before = _embed(model, _write(Path(folder), samples))
            after = _embed(model, change(samples, Path(folder)))
            cosines.append(float(before.astype(np.float64) @ after))
    if not cosines:
        return Sensitivity(np.nan, np.nan, 0)
    return Sensitivity(float(np.mean(cosines)), min(cosines), len(cosines))


def _embed(model: JointModel, path: Path) -> Vectors:
    return model.embed_file(path).vector


def _gain(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _write(folder: Path, samples: Vectors) -> Path:
    path = folder / "clip.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def _write_mp3(folder: Path, samples: Vectors) -> Path:
    from tunespace.audio.perturb import write_mp3

    path = folder / "clip.mp3"
    write_mp3(samples, _RATE, 128, str(path))
    return path
