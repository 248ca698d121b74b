"""Models: an audio tower and a text tower that share an embedding space."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tunespace.audio import Window, cut_windows
from tunespace.errors import ModelError, QueryError
from tunespace.models.config import CONCEPTS, LANGUAGES, LEXICON, REFERENCE, ModelConfig
from tunespace.models.onnx_towers import AudioTower, TextTower, normalize_rows
from tunespace.models.registry import check_file, find_model

if TYPE_CHECKING:
    from concurrent.futures import Future

    from onnxruntime import InferenceSession

    from tunespace.models.lexicon_vectors import LexiconVectors
    from tunespace.text import ParsedQuery

Vectors = npt.NDArray[np.float32]

# Windows in one batch of the audio tower: enough to be fast, little memory.
_WINDOWS_AT_ONCE = 8
# Texts whose parse and embedding are cached.
_TEXTS_KEPT = 512


@dataclass(frozen=True)
class EmbeddedWindow:
    """Window of a track with its embedding.

    Attributes:
        start: Start in seconds.
        end: End in seconds.
        vector: ``(dim,)`` float32, unit length.

    Examples:
        >>> from tunespace import load_model
        >>> window = load_model().embed_file("song.wav").windows[0]
        >>> window.start, window.vector.shape
        (0.0, (159,))
    """

    start: float
    end: float
    vector: Vectors


@dataclass(frozen=True)
class AudioEmbedding:
    """Embedding of a track and of its windows.

    Attributes:
        seconds: Length of the track in seconds.
        vector: ``(dim,)`` float32, unit length: mean of the audio tower's outputs over all windows.
        windows: Windows in order; together they cover the track.

    Examples:
        >>> from tunespace import load_model
        >>> embedding = load_model().embed_file("song.wav")
        >>> round(embedding.seconds), embedding.vector.shape, len(embedding.windows)
        (5, (159,), 1)
    """

    seconds: float
    vector: Vectors
    windows: tuple[EmbeddedWindow, ...]


class Model:
    """Audio tower and text tower that share an embedding space.

    Each part is loaded on first use: a text search never loads the audio tower.

    Attributes:
        folder: Folder of the model.
        config: Configuration of the model.

    Examples:
        >>> from tunespace import load_model
        >>> model = load_model()
        >>> model.embed_text(["banjo", "slow and sad"]).shape
        (2, 159)
    """

    def __init__(self, folder: Path) -> None:
        """Load the configuration; ``load_model`` locates the folder.

        Raises:
            ModelError: The folder is not a model folder that this version supports.
        """
        self.folder = folder
        self.config = ModelConfig.load(folder)
        self._opening: Future[InferenceSession] | None = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.config.name

    @property
    def dim(self) -> int:
        """Dimension of the embedding space."""
        return self.config.dim

    @property
    def identity(self) -> str:
        """Name and hash of all files of the model."""
        return self.config.identity

    @property
    def files(self) -> dict[str, str]:
        """sha256 of each file of the model, by name."""
        return self.config.files

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        If the model has a lexicon, two unit vectors are added: the sum of the lexicon terms of the
        text, and the text tower's embedding of the sentence. The sentence weighs more the less of
        it the terms cover.

        Args:
            texts: Tags, lists of tags or sentences.

        Returns:
            ``(len(texts), dim)`` float32, unit rows. A row does not depend on the other texts.

        Raises:
            QueryError: A text is empty, or none of its words is known.
            ModelError: The text tower cannot be used.

        Examples:
            >>> load_model().embed_text(["mellow piano", "banjo"]).shape
            (2, 159)
        """
        if isinstance(texts, str):
            raise TypeError("embed_text takes a list of texts, not one text")
        if not texts:
            return np.empty((0, self.dim), np.float32)
        return np.stack([self._embed_cached(text) for text in texts])

    def embed_audio(self, paths: Iterable[str | PathLike[str]]) -> Vectors:
        """Embed tracks, each as a whole.

        Returns:
            ``(len(paths), dim)`` float32, unit rows; the same file gives the same row.

        Raises:
            AudioError: A file cannot be read.
            ModelError: The audio tower cannot be used.
        """
        rows = [self.embed_file(path).vector for path in paths]
        return np.stack(rows) if rows else np.empty((0, self.dim), np.float32)

    def embed_audio_windows(self, path: str | PathLike[str]) -> list[EmbeddedWindow]:
        """Embed the windows of a track.

        Raises:
            AudioError: The file cannot be read.
            ModelError: The audio tower cannot be used.
        """
        return list(self.embed_file(path).windows)

    def embed_file(
        self, path: str | PathLike[str], *, start: float = 0.0, duration: float | None = None
    ) -> AudioEmbedding:
        """Embed a track and its windows, decoding the file once.

        Args:
            path: Path of the file.
            start: Start of the part to embed, in seconds.
            duration: Length of the part in seconds; None for the rest of the file.

        Raises:
            AudioError: The file cannot be read.
            ModelError: The audio tower cannot be used.
        """
        spans: list[tuple[int, int]] = []
        outputs: list[Vectors] = []
        windows = self._windows(path, start, duration)
        while some := list(islice(windows, _WINDOWS_AT_ONCE)):
            spans += [(window.start, window.stop) for window in some]
            outputs.append(self.audio_tower(np.stack([window.frames for window in some])))
        vectors = np.concatenate(outputs)
        rate = self.config.front_end.sample_rate / self.config.front_end.hop
        embedded = (
            EmbeddedWindow(start / rate, stop / rate, vector)
            for (start, stop), vector in zip(spans, normalize_rows(vectors), strict=True)
        )
        return AudioEmbedding(
            spans[-1][1] / rate, normalize_rows(vectors.mean(axis=0)), tuple(embedded)
        )

    def parse_query(self, text: str) -> "ParsedQuery":
        """Parse a text: lexicon terms, and the rest as a sentence. Parses are cached."""
        return self._parse_cached(text)

    @cached_property
    def _parse_cached(self) -> "Callable[[str], ParsedQuery]":
        # A page requests hits, moments and a map for one query, and again after each change.
        return lru_cache(_TEXTS_KEPT)(self._parse)

    @cached_property
    def _embed_cached(self) -> Callable[[str], Vectors]:
        return lru_cache(_TEXTS_KEPT)(self._embed_text)

    @cached_property
    def audio_tower(self) -> AudioTower:
        """Audio tower: log-mel windows to vectors that are not normalised."""
        return AudioTower(self.folder, self.config)

    @cached_property
    def text_tower(self) -> TextTower:
        """Text tower: sentences to unit vectors."""
        opening, self._opening = self._opening, None
        return TextTower(self.folder, self.config, opening)

    def preload_text_tower(self) -> None:
        """Start to open the text tower in a thread, while the caller prepares a query.

        Raises:
            ModelError: The text tower is missing or modified.
        """
        if "text_tower" not in vars(self) and self._opening is None:
            self._opening = TextTower.start_opening(self.folder, self.config)

    @cached_property
    def reference(self) -> Vectors:
        """``(tracks, dim)`` float32, unit rows: embeddings of music of many kinds, to compare with.

        Empty if the model has none.
        """
        if REFERENCE not in self.config.files:
            return np.empty((0, self.dim), np.float32)
        path = check_file(self.folder, self.config, REFERENCE)
        try:
            rows = np.load(path, allow_pickle=False).astype(np.float32)
        except ValueError as error:
            raise ModelError(f"{path} cannot be read ({error})") from error
        if rows.ndim != 2 or rows.shape[1] != self.dim:
            raise ModelError(f"{path} has shape {rows.shape}, not (tracks, {self.dim})")
        return normalize_rows(rows)

    @cached_property
    def lexicon_vectors(self) -> "LexiconVectors | None":
        """Lexicon with its embeddings; None if the model has no lexicon."""
        if LEXICON not in self.config.files:
            return None
        from tunespace.models.lexicon_vectors import LexiconVectors

        files = self.config.files
        languages = check_file(self.folder, self.config, LANGUAGES) if LANGUAGES in files else None
        lexicon, concepts = (
            check_file(self.folder, self.config, name) for name in (LEXICON, CONCEPTS)
        )
        return LexiconVectors.load(lexicon, languages, concepts, self.dim)

    def unload(self) -> None:
        """Free the memory of both towers; they are loaded again on next use."""
        for part in ("audio_tower", "text_tower"):
            self.__dict__.pop(part, None)

    def _windows(
        self, path: str | PathLike[str], start: float, duration: float | None
    ) -> Iterator[Window]:
        from tunespace.audio import decode_blocks  # not needed by a text search

        front_end = self.config.front_end
        samples = decode_blocks(path, front_end.sample_rate, start=start, duration=duration)
        return cut_windows(front_end.stream(samples), self.config.window, self.config.hop)

    def _parse(self, text: str) -> "ParsedQuery":
        from tunespace.text import ParsedQuery, parse_query  # while the text tower may be loading

        if self.lexicon_vectors is None:
            return ParsedQuery((), text)
        lexicon = self.lexicon_vectors.lexicon
        lexicon.prepare()  # before the text tower, which a thread may be loading
        return parse_query(text, lexicon, self.text_tower.in_vocabulary)

    def _embed_text(self, text: str) -> Vectors:
        if not text.strip():
            raise QueryError("the query is empty: describe the music in a few words")
        vector = np.zeros(self.dim, np.float32)
        reading = self.parse_query(text)
        if self.lexicon_vectors is not None:
            vector += normalize_rows(self.lexicon_vectors.embed_terms(reading))
        known, unknown = self.config.sentence_weight
        weight = max(known, unknown * reading.unknown_share)
        vector += weight * self._encode_sentence(reading.sentence)
        for word in reading.unwanted:
            vector -= unknown * self._encode_sentence(word)
        if not vector.any():
            shown = text if len(text) <= 60 else text[:57] + "..."
            raise QueryError(f"no word of {shown!r} is known: use other words")
        return normalize_rows(vector)

    def _encode_sentence(self, sentence: str) -> Vectors:
        vector = self.text_tower(sentence) if sentence else None
        return np.zeros(self.dim, np.float32) if vector is None else vector


def load_model(name: str | Path | None = None) -> Model:
    """Load a model.

    Args:
        name: Name of a bundled model, folder, or ``hf:owner/name``; None for the default.

    Raises:
        ModelError: The model does not exist or cannot be used.

    Examples:
        >>> load_model("tunespace-small").dim
        159
    """
    return Model(find_model(name))
