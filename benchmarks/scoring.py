"""Compare ways to score tracks at search time: ``python -m benchmarks.scoring --root EMOTIFY``.

How the windows of a track are pooled, what is done about what all music has in common and about
tracks that are near to everything (hubness), whether scores of different words can be compared
(calibration), and what a word gains from prompts and from near words. Each alone, on the clips of
one half of Emotify's artists; the other half is looked at with ``--held-out``, once.
"""

import argparse
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

import tunespace
from tunespace.data.manifest import Item
from tunespace.evaluation.datasets.emotify import EMOTIONS, Emotify
from tunespace.evaluation.metrics.classification import tag_figures
from tunespace.evaluation.protocols.base import TextEmbedder, tag_matrix
from tunespace.library.search.score_calibration import calibrate
from tunespace.models.model import Model
from tunespace.models.onnx_towers import normalize_rows

RESULT = Path(__file__).parent / "results" / "scoring.json"
Vectors = npt.NDArray[np.float32]
Scores = Callable[[Vectors], Vectors]
GENRES = ("classical", "electronic", "pop", "rock")
PROMPTS = ("{}", "{} music", "this sounds {}", "a {} song")
NEAR = 5
CLOSEST = 10
_SHARPNESS = 0.05
_WINDOWS = 6


def main() -> None:
    """Embed the clips, score them in every way, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder of Emotify")
    parser.add_argument("--held-out", action="store_true", help="the other half of the artists")
    arguments = parser.parse_args()
    model = tunespace.load_model()
    items = [
        item
        for item in Emotify().to_manifest(arguments.root).items
        if is_held_out(item.artist) == arguments.held_out
    ]
    heard = np.stack([_windows(model, item) for item in items])
    found: dict[str, object] = {
        "command": "python -m benchmarks.scoring --root EMOTIFY"
        + (" --held-out" if arguments.held_out else ""),
        "clips": len(items),
        "music": {name: judge(model, items, way) for name, way in of_music(model, heard).items()},
        "calibration": calibration(model, items, heard),
        "words": of_words(model, items, heard),
    }
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    kept["held-out" if arguments.held_out else "looked at"] = found
    RESULT.write_text(json.dumps(kept, indent=2) + "\n")
    print(json.dumps(found, indent=2))


def is_held_out(artist: str) -> bool:
    """Return whether an artist is in the held-out half, by a hash of the name."""
    return zlib.crc32(artist.encode()) % 2 == 1


def of_music(model: Model, heard: Vectors) -> dict[str, Scores]:
    """Return functions that map ``(queries, dim)`` unit rows to ``(clips, queries)`` scores."""
    mean = heard.mean(axis=1)
    lengths = np.linalg.norm(heard, axis=2, keepdims=True)
    points = heard / lengths

    def pooled(how: Callable[[Vectors], Vectors]) -> Scores:
        return lambda queries: how(np.einsum("cwd,qd->cwq", points, queries))

    def less(share: float) -> Scores:
        moved = normalize_rows(normalize_rows(mean) - share * normalize_rows(mean).mean(axis=0))
        return lambda queries: moved @ queries.T

    def softly(scores: Vectors) -> Vectors:
        weights = np.exp(scores / _SHARPNESS)
        pooled_scores: Vectors = (scores * weights).sum(axis=1) / weights.sum(axis=1)
        return pooled_scores

    words = lexicon_points(model)

    def apart(share: float) -> Scores:
        """Return scores minus the clip's mean similarity to its nearest words (CSLS).

        Source: Conneau et al. 2018.
        """
        moved = normalize_rows(normalize_rows(mean) - share * normalize_rows(mean).mean(axis=0))
        nearest = np.sort(moved @ words.T, axis=1)[:, -100:].mean(axis=1, keepdims=True)
        return lambda queries: 2 * moved @ queries.T - nearest

    return {
        "mean of the windows": less(0.0),
        "median of the windows": lambda queries: (
            normalize_rows(np.median(heard, axis=1)) @ queries.T
        ),
        "mean of the windows' scores": pooled(lambda scores: scores.mean(axis=1)),
        "best window": pooled(lambda scores: scores.max(axis=1)),
        "softly the best windows": pooled(softly),
        "better half of the windows": pooled(lambda s: np.sort(s, axis=1)[:, -3:].mean(axis=1)),
        ".7 mean and .3 best": pooled(lambda s: 0.7 * s.mean(axis=1) + 0.3 * s.max(axis=1)),
        "less half of the collection's mean": less(0.5),
        "less the collection's mean": less(1.0),
        "less what is near to many words (CSLS)": apart(0.0),
        "less the collection's mean, CSLS": apart(1.0),
    }


def judge(model: Model, items: list[Item], way: Scores) -> dict[str, float]:
    """Return the figures of one way of scoring clips."""
    texts = TextEmbedder(model)
    found = {}
    scores = way(texts(list(EMOTIONS.values())))
    found["emotions_auc"] = _auc(scores, tag_matrix(items, list(EMOTIONS.values())))
    scores = way(texts(GENRES))
    truth = np.array([[item.labels["genre"] == genre for genre in GENRES] for item in items])
    found["genre_auc"] = _auc(scores, truth)
    found["genre_accuracy"] = float(truth[np.arange(len(items)), scores.argmax(axis=1)].mean())
    sentences = [caption for item in items for caption in item.captions[:1]]
    scores = way(texts(sentences))
    ranks = (scores > np.diag(scores)).sum(axis=0)
    found["sentence_recall_at_10"] = float((ranks < CLOSEST).mean())
    scores = way(lexicon_points(model))
    found["hubness"] = hubness(scores)
    return {name: round(value, 4) for name, value in found.items()}


def calibration(model: Model, items: list[Item], heard: Vectors) -> dict[str, float]:
    """Return the AUC over all pairs of clip and word: of cosines, and of calibrated scores."""
    words = [*EMOTIONS.values(), *GENRES]
    queries = TextEmbedder(model)(words)
    music = normalize_rows(heard.mean(axis=1))
    cosines = music @ queries.T
    genre = np.array([[item.labels["genre"] == g for g in GENRES] for item in items])
    truth = np.concatenate([tag_matrix(items, list(EMOTIONS.values())), genre], axis=1)
    shown = np.stack(
        [
            [scale(float(c)) for c in column]
            for scale, column in (
                (calibrate(query, model.reference, column), column)
                for query, column in zip(queries, cosines.T, strict=True)
            )
        ],
        axis=1,
    ).astype(np.float32)
    return {
        "cosines": round(_auc(cosines.reshape(-1, 1), truth.reshape(-1, 1)), 4),
        "scores of 0 to 100": round(_auc(shown.reshape(-1, 1), truth.reshape(-1, 1)), 4),
    }


def of_words(model: Model, items: list[Item], heard: Vectors) -> dict[str, float]:
    """Return the AUC of the emotions, with several embeddings of their words."""
    music = normalize_rows(heard.mean(axis=1))
    texts = TextEmbedder(model)
    words = list(EMOTIONS.values())
    alone = texts(words)
    carried = tag_matrix(items, words)
    lexicon = lexicon_points(model)
    near = []
    for point in alone:
        chosen = np.argsort(-(lexicon @ point))[: NEAR + 1]
        near.append(lexicon[chosen].mean(axis=0))
    prompts = np.mean([texts([p.format(w) for w in words]) for p in PROMPTS], axis=0)
    described = texts([f"{w}: {_description(model, w)}" for w in words])
    ways = {
        "the word": alone,
        "mean of four prompts": normalize_rows(prompts),
        f"mean of the word and its {NEAR} nearest": normalize_rows(np.stack(near)),
        "the word and its description": normalize_rows(alone + described),
    }
    return {name: round(_auc(music @ points.T, carried), 4) for name, points in ways.items()}


def lexicon_points(model: Model) -> Vectors:
    """Return the ``(words, dim)`` float32 embeddings of all words of the lexicon."""
    if model.lexicon_vectors is None:
        raise SystemExit("the model has no lexicon")
    return np.stack(
        [model.lexicon_vectors.vector(word) for word in model.lexicon_vectors.lexicon.entries]
    )


def hubness(scores: Vectors) -> float:
    """Return the skewness of the k-occurrence of clips, k = 10 (Radovanovic et al. 2010)."""
    best = np.argsort(-scores, axis=0)[:CLOSEST]
    counts = np.bincount(best.ravel(), minlength=len(scores)).astype(np.float64)
    return float(((counts - counts.mean()) ** 3).mean() / counts.std() ** 3)


def _windows(model: Model, item: Item) -> Vectors:
    """Return ``(6, dim)`` float32 window embeddings; a shorter clip is repeated."""
    vectors = np.stack([window.vector for window in model.embed_file(item.audio).windows])
    return vectors[np.arange(_WINDOWS) % len(vectors)]


def _auc(scores: Vectors, truth: npt.NDArray[np.bool_]) -> float:
    return float(tag_figures(scores, truth, seed=0).roc_macro.value)


def _description(model: Model, word: str) -> str:
    entry = model.lexicon_vectors.lexicon.entries.get(word) if model.lexicon_vectors else None
    return entry.description if entry else word


if __name__ == "__main__":
    main()
