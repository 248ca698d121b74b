"""Measure embeddings of words outside the lexicon: ``python -m benchmarks.unseen_words``.

Every sixth word of the lexicon is left out, with its description, of everything that is learned.
Its truth is its own entry: the cosine to it, the rank correlation of the concepts, and how well the
predicted point finds the tenth of real music (the reference of the bundled model) that the entry
itself is nearest to (AUC). The same for texts made of words that were learned, and for the captions
of MusicCaps, whose truth is the sum of what the lexicon knows of their aspects; none was learned.

Beside each other: ridge regression on the encoder as it is, the predictor that teaches (a strong
encoder and word vectors, too large to ship), and the tuned encoder.
"""

import argparse
import ast
import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import rankdata

import tunespace
from tunespace.evaluation.metrics.bootstrap import figure
from tunespace.models.config import TOKENIZER
from tunespace.models.lexicon_vectors import LexiconVectors
from tunespace.models.model import Model
from tunespace.models.onnx_towers import normalize_rows, open_tokenizer
from tunespace.text import parse_query
from tunespace.training.bundled.sentence_encoder import embed, fit_ridge
from tunespace.training.bundled.synthetic_queries import synthetic_queries
from tunespace.training.bundled.text_tower import (
    MAX_TOKENS,
    TextSources,
    make_training_texts,
    train_text_tower,
)
from tunespace.training.bundled.tune_encoder import EncoderSchedule, SentenceTower

RESULT = Path(__file__).parent / "results" / "unseen-words.json"
LEFT_OUT = 6
FOUND = 0.1
CAPTIONS = 1000
TEXTS = 1000
Vectors = npt.NDArray[np.float32]
Collator = Callable[[list[str]], Vectors]


def figures(predicted: Vectors, truth: Vectors, music: Vectors) -> dict[str, object]:
    """Return cosine, rank correlation and AUC over texts, as means with intervals."""
    predicted, truth = normalize_rows(predicted), normalize_rows(truth)
    cosine = (predicted * truth).sum(axis=1)
    ranks = [rankdata(rows, axis=1) for rows in (predicted, truth)]
    centred = [r - r.mean(axis=1, keepdims=True) for r in ranks]
    lengths = [np.linalg.norm(c, axis=1) for c in centred]
    rank_correlation = (centred[0] * centred[1]).sum(axis=1) / (lengths[0] * lengths[1])
    wanted = music @ truth.T
    positive = wanted >= np.quantile(wanted, 1 - FOUND, axis=0)
    order = rankdata(music @ predicted.T, axis=0)
    count = positive.sum(axis=0)
    auc = ((order * positive).sum(axis=0) - count * (count + 1) / 2) / (
        count * (len(music) - count)
    )
    return {
        name: figure(values.astype(np.float64), unit="texts").as_json()
        for name, values in (("cosine", cosine), ("rank", rank_correlation), ("auc", auc))
    }


def by_tower(tower: SentenceTower, tokenizer: Path) -> Collator:
    """Embed texts with a tower in PyTorch."""
    cutter = open_tokenizer(tokenizer, MAX_TOKENS)

    def points(texts: list[str]) -> Vectors:
        rows = []
        with torch.no_grad():
            for text in texts:
                ids = torch.tensor([cutter.encode(text).ids])
                rows.append(tower(ids, torch.ones_like(ids))[0].numpy())
        return np.stack(rows)

    return points


def captions(path: Path, words: LexiconVectors) -> tuple[list[str], Vectors]:
    """Return captions, and the sum of the lexicon embeddings of their aspects."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    random = np.random.default_rng(0)
    texts, sums = [], []
    for at in random.permutation(len(rows)):
        readings = [
            parse_query(aspect, words.lexicon)
            for aspect in ast.literal_eval(rows[at]["aspect_list"])
        ]
        total = np.sum(
            [words.embed_terms(reading)[: len(words.concepts)] for reading in readings], axis=0
        )
        if sum(len(reading.terms) for reading in readings) >= 3 and total.any():
            texts.append(rows[at]["caption"])
            sums.append(total)
        if len(texts) == CAPTIONS:
            break
    return texts, np.stack(sums).astype(np.float32)


def weighed(model: Model, tower: Collator, texts: list[str]) -> dict[str, Vectors]:
    """Return the terms' embedding, and its sums with the sentence under several weights."""
    words = model.lexicon_vectors
    if words is None:
        raise SystemExit("the model has no lexicon")
    readings = [parse_query(text, words.lexicon) for text in texts]
    terms = normalize_rows(
        np.stack([words.embed_terms(reading)[: len(words.concepts)] for reading in readings])
    )
    sentences = normalize_rows(
        tower([reading.sentence or text for reading, text in zip(readings, texts, strict=True)])
    )
    found = {"terms": terms}
    for weight in (0.3, 0.6, 1.0, 1.5):
        found[f"terms + {weight:g} sentence"] = terms + weight * sentences
    return found


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unseen_words", description=__doc__)
    for name in ("encoder", "strong-encoder", "vectors", "run"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--captions", type=Path, help="musiccaps-public.csv")
    parser.add_argument("--epochs", type=int, default=EncoderSchedule().epochs)
    arguments = parser.parse_args()
    sources = TextSources(arguments.encoder, arguments.strong_encoder, arguments.vectors)
    model = tunespace.load_model()
    words, music = model.lexicon_vectors, model.reference
    if words is None:
        raise SystemExit("the model has no lexicon")
    music = normalize_rows(music[:, : len(words.concepts)])  # texts speak of nothing else
    entries = list(words.lexicon.entries.values())
    order = np.random.default_rng(0).permutation(len(entries))
    out = {entries[at].word for at in order[: len(entries) // LEFT_OUT]}
    kept = [entry for entry in entries if entry.word not in out]
    unseen = sorted(out)
    run = arguments.run
    schedule = EncoderSchedule(epochs=arguments.epochs)
    lesson = make_training_texts(sources, words, kept, run, schedule.seed)
    tower = train_text_tower(sources, lesson, len(kept), run, schedule)
    tokenizer = sources.encoder / TOKENIZER
    tuned = by_tower(tower, tokenizer)
    ridge = fit_ridge(np.load(run / "first.npy"), lesson.points[: 2 * len(kept)], 1.0)

    def plain(texts: list[str]) -> Vectors:
        sentences = embed(run / "plain.onnx", tokenizer, texts, MAX_TOKENS)
        return sentences @ ridge[:-1] + ridge[-1]

    record: dict[str, object] = {
        "command": "python -m benchmarks.unseen_words --encoder MINILM --strong-encoder MPNET "
        "--vectors GLOVE --captions MUSICCAPS --run RUN",
        "words": {"learned": len(kept), "left_out": len(unseen)},
        "music": len(music),
    }
    points = {word: words.vector(word)[: len(words.concepts)] for word in words.lexicon.entries}
    truth = np.stack([points[word] for word in unseen])
    readers: dict[str, Collator] = {
        "ridge": plain,
        "predictor": lesson.kernel_ridge,
        "tuned": tuned,
    }
    record["unseen words"] = {name: figures(r(unseen), truth, music) for name, r in readers.items()}
    made = [
        text for text in synthetic_queries(kept, TEXTS, 1)[3 * len(kept) :] if len(text.words) > 1
    ]
    sums = np.stack([np.sum([points[w] for w in text.words], axis=0) for text in made])
    texts = [text.text for text in made]
    record["texts of learned words"] = {
        name: figures(collator(texts), sums, music)
        for name, collator in readers.items()
        if name != "predictor"
    }
    if arguments.captions:
        texts, sums = captions(arguments.captions, words)
        record["captions"] = {
            **{n: figures(r(texts), sums, music) for n, r in readers.items() if n != "predictor"},
            **{
                f"{name}, {how}": figures(found, sums, music)
                for name, collator in (("ridge", plain), ("tuned", tuned))
                for how, found in weighed(model, collator, texts).items()
            },
        }
    RESULT.write_text(json.dumps(record, indent=2) + "\n")
    for kind, rows in record.items():
        if isinstance(rows, dict) and kind != "words":
            for name, row in rows.items():
                shown = " ".join(f"{key} {row[key]['value']:.3f}" for key in row)
                print(f"{kind}: {name}: {shown}")


if __name__ == "__main__":
    main()
