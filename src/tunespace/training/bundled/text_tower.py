"""Text tower of the bundled model: a small sentence encoder trained on music vocabulary.

It is trained on three kinds of texts: lexicon words and texts made of them, whose embeddings are
known; and other words, whose embeddings a stronger encoder and word vectors predict from the
lexicon. The small encoder thereby learns what the strong one knows about music.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModel, AutoTokenizer

from tunespace.models.config import TEXT_TOWER, TOKENIZER
from tunespace.models.lexicon_vectors import LexiconVectors
from tunespace.models.onnx_towers import normalize_rows
from tunespace.text.lexicon import Entry
from tunespace.training.bundled.kernel_ridge import KernelRidge, mean_words
from tunespace.training.bundled.sentence_encoder import (
    append_linear,
    embed,
    export_encoder,
    fit_ridge,
    load_encoder,
    mean_pooled,
)
from tunespace.training.bundled.synthetic_queries import SyntheticQuery, pieces, synthetic_queries
from tunespace.training.bundled.tune_encoder import EncoderSchedule, SentenceTower, tune
from tunespace.training.towers.word_vectors import read_word_vectors

Vectors = npt.NDArray[np.float32]

MAX_TOKENS = 128
_PENALTY = 1.0
_COMBINATIONS = 24_000
# The most frequent words of the word vectors, with any meaning: users type anything.
_COMMON_WORDS = 14_000
_VECTORS_READ = 200_000
# A predicted embedding counts half as much as a known one.
_WEIGHT_OF_PREDICTED = 0.5
_BATCH = 64


@dataclass(frozen=True)
class TextSources:
    """Input files of the text tower.

    Attributes:
        encoder: Folder of a BERT sentence encoder with ``model.safetensors``, ``tokenizer.json``.
        strong_encoder: Folder of a stronger encoder in transformers' format, with mean pooling.
        vectors: File of word vectors in GloVe's text format, the most frequent words first.
    """

    encoder: Path
    strong_encoder: Path
    vectors: Path


@dataclass(frozen=True)
class TrainingTexts:
    """Training texts with their embeddings.

    Attributes:
        texts: Texts.
        points: ``(texts, dim)`` float32, unit rows.
        weights: ``(texts,)`` float32 weights.
        kernel_ridge: Predictor of the embeddings of other texts.
    """

    texts: list[str]
    points: Vectors
    weights: Vectors
    kernel_ridge: "Predictor"


class Predictor:
    """Predicts the embedding of any text from a strong encoder and word vectors."""

    def __init__(self, sources: TextSources, run: Path) -> None:
        """Load the word vectors; ``run`` caches the outputs of the strong encoder."""
        self.sources, self.run = sources, run
        words, vectors = read_word_vectors(sources.vectors, _VECTORS_READ)
        self.words = words
        self.vectors = dict(zip(words, vectors, strict=True))
        self.width = vectors.shape[1]
        self.kernel_ridge: KernelRidge | None = None

    def fit(self, texts: list[str], points: Vectors) -> None:
        """Fit the predictor on texts with known embeddings."""
        self.kernel_ridge = KernelRidge(*self._read(texts), points)

    def __call__(self, texts: list[str]) -> Vectors:
        """Return ``(texts, dim)`` float32: the shorter, the less certain."""
        if self.kernel_ridge is None:
            raise RuntimeError("fit comes first")
        return self.kernel_ridge(*self._read(texts))

    def _read(self, texts: list[str]) -> tuple[Vectors, Vectors]:
        strong = cached_sentence_embeddings(
            self.sources.strong_encoder, texts, self.run / "strong.npz"
        )
        return strong, mean_words(texts, self.vectors, self.width)


def make_text_tower(
    sources: TextSources, words: LexiconVectors, run: Path, out: Path
) -> dict[str, float]:
    """Write ``text.onnx``; return metrics."""
    run.mkdir(parents=True, exist_ok=True)
    entries = list(words.lexicon.entries.values())
    lesson = make_training_texts(sources, words, entries, run, EncoderSchedule().seed)
    tower = train_text_tower(sources, lesson, len(entries), run, EncoderSchedule())
    write_tower(tower, words.dim, run, out)
    return {"lexicon_entries": len(entries), "texts": len(lesson.texts)}


def make_training_texts(
    sources: TextSources,
    words: LexiconVectors,
    entries: list[Entry],
    run: Path,
    seed: int,
    combinations: int = _COMBINATIONS,
) -> TrainingTexts:
    """Collect training texts and their embeddings.

    Args:
        sources: Input files.
        words: Lexicon with the embeddings of the entries.
        entries: Entries to train on; embeddings and descriptions of others are not used.
        run: Folder that caches the outputs of the strong encoder.
        seed: Random seed.
        combinations: Number of combinations of lexicon words.
    """
    named = len(words.concepts)
    points = {entry.word: words.vector(entry.word)[:named] for entry in entries}
    known = [entry.word for entry in entries] + [entry.description for entry in entries]
    predictor = Predictor(sources, run)
    predictor.fit(known, np.stack(list(points.values()) * 2))
    made = synthetic_queries(entries, combinations, seed)
    in_lexicon = {entry.word.lower() for entry in words.lexicon.entries.values()}
    common = [w for w in predictor.words if w.isascii() and w.isalpha() and len(w) > 2]
    others = pieces(entries, seed) + [w for w in common if w not in in_lexicon][:_COMMON_WORDS]
    return TrainingTexts(
        texts=[text.text for text in made] + others,
        points=normalize_rows(np.concatenate([_sums(made, points), predictor(others)])),
        weights=np.concatenate(
            [
                np.ones(len(made), np.float32),
                np.full(len(others), _WEIGHT_OF_PREDICTED, np.float32),
            ]
        ),
        kernel_ridge=predictor,
    )


def train_text_tower(
    sources: TextSources, lesson: TrainingTexts, known: int, run: Path, schedule: EncoderSchedule
) -> SentenceTower:
    """Return a tower trained on texts, of which the first ``2 * known`` are lexicon entries."""
    encoder = load_encoder(sources.encoder)
    first = run / "first.npy"
    if not first.exists():
        plain = run / "plain.onnx"
        export_encoder(encoder, plain)
        beginning = lesson.texts[: 2 * known]
        np.save(first, embed(plain, sources.encoder / TOKENIZER, beginning, MAX_TOKENS))
    ridge = fit_ridge(np.load(first), lesson.points[: 2 * known], _PENALTY)
    return tune(
        SentenceTower(encoder, ridge),
        sources.encoder / TOKENIZER,
        lesson.texts,
        lesson.points,
        lesson.weights,
        schedule,
        run,
    )


def write_tower(tower: SentenceTower, dim: int, run: Path, out: Path) -> None:
    """Write ``text.onnx``: the encoder in int8, the linear map behind it in float32.

    Dimensions of the space beyond those that were trained are 0: no text refers to them.
    """
    small = run / "encoder.onnx"
    export_encoder(tower.encoder, small)
    weight, bias = (p.detach().numpy() for p in (tower.head.weight, tower.head.bias))
    linear = np.vstack([weight.T, bias[None]])
    linear = np.pad(linear, ((0, 0), (0, dim - linear.shape[1])))
    append_linear(small, linear, out / TEXT_TOWER)


def _sums(made: list[SyntheticQuery], points: dict[str, Vectors]) -> Vectors:
    sums = np.stack([np.sum([points[word] for word in text.words], axis=0) for text in made])
    return normalize_rows(sums.astype(np.float32))


def cached_sentence_embeddings(folder: Path, texts: list[str], kept: Path) -> Vectors:
    """Return ``(texts, width)`` float32 unit rows of a sentence encoder, with a cache."""
    embeddings: dict[str, Vectors] = {}
    if kept.exists():
        with np.load(kept, allow_pickle=False) as file:
            embeddings = dict(zip(file["texts"].tolist(), file["rows"], strict=True))
    new = sorted(set(texts) - set(embeddings), key=len)
    if new:
        embeddings |= dict(zip(new, _sentences(folder, new), strict=True))
        kept.parent.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_suffix(".new.npz")
        np.savez(
            unfinished, texts=np.array(list(embeddings)), rows=np.stack(list(embeddings.values()))
        )
        unfinished.rename(kept)
    return np.stack([embeddings[text] for text in texts])


def _sentences(folder: Path, texts: list[str]) -> Vectors:
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    network = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    rows = []
    with torch.no_grad():
        for first in range(0, len(texts), _BATCH):
            some = texts[first : first + _BATCH]
            read = tokenizer(
                some, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
            )
            states = network(**read).last_hidden_state
            rows.append(mean_pooled(states, read["attention_mask"]))
    return torch.cat(rows).numpy()
