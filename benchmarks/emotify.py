"""Judges a model on Emotify (Aljanaki et al. 2015): zero-shot genre and emotion of 400 clips.

Two of the five teachers of `tunespace-small` saw music of the label that all clips come from; the
99 clips of artists that they never saw are reported apart, and are what counts.

    python benchmarks/emotify.py EMOTIFY [--model MODEL] [--out FILE.json]

EMOTIFY holds emotify.tsv (path, genre, artist_absent_from_mtat and a column for each emotion's
share of votes) and the audio. Protocol: the genre is the word of four with the highest cosine; a
clip is positive for an emotion at or above the 75th percentile of its votes among the judged clips.
Intervals: 1,000 bootstrap draws of clips.
"""

import argparse
import csv
import json
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from tunespace import load_model

GENRES = ["classical", "electronic", "pop", "rock"]
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


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """The share of pairs of a positive and a negative that are in the right order."""
    better = (scores[positive][:, None] > scores[~positive][None]).mean()
    equal = (scores[positive][:, None] == scores[~positive][None]).mean()
    return float(better + equal / 2)


def with_interval(rows: int, figure: Callable[[np.ndarray], float]) -> dict[str, float]:
    """A figure of all rows with its 95 % bootstrap interval."""
    random = np.random.default_rng(0)
    draws = [figure(random.integers(rows, size=rows)) for _ in range(1000)]
    low, high = np.percentile(draws, [2.5, 97.5])
    found = figure(np.arange(rows))
    return {"value": round(found, 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def judge(
    vectors: np.ndarray, genre_words: np.ndarray, emotion_words: np.ndarray, rows: list[dict]
) -> dict[str, object]:
    """All figures over some clips."""
    genre = np.array([GENRES.index(row["genre"]) for row in rows])
    votes = np.array([[float(row[name]) for name in EMOTIONS] for row in rows])
    positive = votes >= np.percentile(votes, 75, axis=0)
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    plain, relative = vectors @ genre_words.T, centred @ genre_words.T
    emotion = vectors @ emotion_words.T

    def mean_auc(chosen: np.ndarray) -> float:
        judged = [
            auc(emotion[chosen, k], positive[chosen, k])
            for k in range(len(EMOTIONS))
            if 0 < positive[chosen, k].sum() < len(chosen)
        ]
        return float(np.mean(judged))

    def accuracy(scores: np.ndarray) -> Callable[[np.ndarray], float]:
        return lambda chosen: float((scores[chosen].argmax(1) == genre[chosen]).mean())

    n = len(rows)
    return {
        "clips": n,
        "genre_accuracy": with_interval(n, accuracy(plain)),
        "genre_accuracy_less_collection_mean": with_interval(n, accuracy(relative)),
        "genre_accuracy_of_largest_class": round(float(np.bincount(genre).max() / n), 3),
        "emotion_mean_auc": with_interval(n, mean_auc),
        "emotion_auc": {
            name: round(auc(emotion[:, k], positive[:, k]), 3) for k, name in enumerate(EMOTIONS)
        },
    }


def embed(job: tuple[str, Path]) -> np.ndarray:
    """One clip; runs in a worker process."""
    name, path = job
    return load_model(name or None).embed_audio([path])[0]


def main() -> None:
    """Reads the arguments, judges, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("emotify", type=Path)
    parser.add_argument("--model", default="")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with (arguments.emotify / "emotify.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    model = load_model(arguments.model or None)
    jobs = [(arguments.model, arguments.emotify / row["path"]) for row in rows]
    with ProcessPoolExecutor() as pool:
        vectors = np.stack(list(pool.map(embed, jobs, chunksize=25)))
    words = model.embed_text(GENRES), model.embed_text(list(EMOTIONS.values()))
    clean = [n for n, row in enumerate(rows) if row["artist_absent_from_mtat"] == "1"]
    record = {
        "command": "python benchmarks/emotify.py EMOTIFY",
        "model": model.identity,
        "clean": judge(vectors[clean], *words, [rows[n] for n in clean]),
        "all_of_them_contaminated": judge(vectors, *words, rows),
    }
    text = json.dumps(record, indent=2) + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
