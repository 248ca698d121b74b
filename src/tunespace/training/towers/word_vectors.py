"""Static word vectors: loaded from a file, or trained; a text is the mean of its words.

GloVe (Pennington et al. 2014), word2vec (Mikolov et al. 2013).
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFKC, Lowercase
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Split
from torch import Tensor, nn

from tunespace.errors import TrainingError
from tunespace.training.recipe import config

Vectors = npt.NDArray[np.float32]
UNKNOWN = "[UNK]"
SKIP_GRAM, MUSICAL = "skip-gram", "musical"
# Separators of words; "r&b", "rock'n'roll", "lo-fi" and "artist:12" are words.
_BETWEEN = r"[^\w&'#:\-]+"
# Skip-gram on little text: short contexts, many passes.
_WINDOW, _PASSES, _NEGATIVES = 8, 20, 10


class WordVectors(nn.Module):
    """Mean of the vectors of a text's words; unknown words are ignored."""

    vectors: Tensor

    def __init__(self, vectors: Vectors) -> None:
        """Take ``(words, width)`` vectors; the first row is that of the unknown word and zero."""
        super().__init__()
        # Stored once in the run folder, not in every checkpoint.
        self.register_buffer("vectors", torch.from_numpy(vectors), persistent=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map ``(batch, tokens)`` ids and mask to ``(batch, width)``."""
        known = (mask * (ids > 0)).unsqueeze(-1).to(self.vectors.dtype)
        states = nn.functional.embedding(ids, self.vectors) * known
        mean: Tensor = states.sum(1) / known.sum(1).clamp_min(1)
        return mean


def word_tokenizer(words: Sequence[str]) -> Tokenizer:
    """Return a tokenizer of lower-case words; the first of ``words`` is the unknown one."""
    vocabulary = {word: n for n, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = Normalizers([NFKC(), Lowercase()])
    tokenizer.pre_tokenizer = Split(Regex(_BETWEEN), "removed")
    return tokenizer


def word_tokens(text: str) -> list[str]:
    """Return the same split as the tokenizer, for training."""
    return [word for word in re.split(_BETWEEN, text.lower()) if word]


def make_word_vectors(
    settings: config.WordVectorsConfig, texts: Sequence[str], seed: int
) -> tuple[list[str], Vectors]:
    """Return the words, the unknown one first, and ``(words, width)`` float32 vectors.

    Raises:
        TrainingError: The file cannot be read, or there is not enough text to train on.
    """
    if settings.vectors in (SKIP_GRAM, MUSICAL):
        words, vectors = _skip_gram([word_tokens(text) for text in texts], settings.width, seed)
    else:
        words, vectors = read_word_vectors(Path(settings.vectors).expanduser(), settings.max_words)
    # Lengths reflect frequency; only directions are compared.
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    zero = np.zeros((1, vectors.shape[1]), np.float32)
    return [UNKNOWN, *words], np.concatenate([zero, vectors])


def _skip_gram(sentences: list[list[str]], width: int, seed: int) -> tuple[list[str], Vectors]:
    from gensim.models import Word2Vec

    if not any(len(words) > 1 for words in sentences):
        raise TrainingError(
            "text_tower.vectors: skip-gram needs texts of at least two words: name a file of word "
            "vectors instead"
        )
    # One thread: two race for the same vectors.
    model = Word2Vec(
        sentences,
        vector_size=width,
        window=_WINDOW,
        sg=1,
        negative=_NEGATIVES,
        min_count=1,
        epochs=_PASSES,
        workers=1,
        seed=seed,
    )
    return list(model.wv.index_to_key), np.array(model.wv.vectors, np.float32)


def read_word_vectors(path: Path, most: int) -> tuple[list[str], Vectors]:
    """Read words and ``(words, width)`` vectors from a GloVe or word2vec file.

    Raises:
        TrainingError: The file cannot be read, or contains no word vectors.
    """
    try:
        if path.suffix == ".bin":
            from gensim.models import KeyedVectors

            keyed = KeyedVectors.load_word2vec_format(str(path), binary=True, limit=most)
            return list(keyed.index_to_key), np.array(keyed.vectors, np.float32)
        words: list[str] = []
        rows: list[Vectors] = []
        for word, row in _lines(path):
            if len(words) == most:
                break
            words.append(word)
            rows.append(row)
        vectors = np.stack(rows)
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise TrainingError(f"text_tower.vectors: {path} cannot be read ({error})") from error
    except ValueError as error:
        raise TrainingError(
            f"text_tower.vectors: {path} is not a file of word vectors ({error}): each line must "
            "contain a word and its numbers"
        ) from error
    return words, vectors


def _lines(path: Path) -> Iterator[tuple[str, Vectors]]:
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as lines
    ):
        for n, line in enumerate(lines):
            word, *numbers = line.rstrip().split(" ")
            if n == 0 and len(numbers) == 1:
                continue  # header of word2vec: number and width
            yield word, np.array(numbers, np.float32)
