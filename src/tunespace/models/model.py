"""One space of music and words, ready to be used."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tunespace.audio import Window, cut_windows
from tunespace.errors import ModelError, QueryError
from tunespace.models.config import CONCEPTS, LANGUAGES, LEXICON, REFERENCE, ModelConfig
from tunespace.models.lexicon_vectors import LexiconVectors
from tunespace.models.onnx_towers import AudioTower, TextTower, normalize_rows
from tunespace.models.registry import check_file, find_model
from tunespace.text import ParsedQuery, parse_query

Vectors = npt.NDArray[np.float32]

# Windows that go through the audio tower at once: enough to be fast, little memory.
_WINDOWS_AT_ONCE = 8
# Texts whose reading and place are remembered.
_TEXTS_KEPT = 512


@dataclass(frozen=True)
class EmbeddedWindow:
    """A stretch of a track as a point.

    Attributes:
        start: In seconds.
        end: In seconds.
        vector: ``(dim,)`` float32, unit length.
    """

    start: float
    end: float
    vector: Vectors


@dataclass(frozen=True)
class AudioEmbedding:
    """A whole track and its windows.

    Attributes:
        seconds: Length of the track.
        vector: ``(dim,)`` float32, unit length: the mean of what the tower says of its windows.
        windows: In order; together they cover the track.
    """

    seconds: float
    vector: Vectors
    windows: tuple[EmbeddedWindow, ...]


class Model:
    """An audio tower and a text tower that share a space.

    Each part is loaded when it is first used: a search by words never loads the audio tower.

    Attributes:
        folder: Where it lies.
        config: What it says about itself.
    """

    def __init__(self, folder: Path) -> None:
        """Reads the configuration; ``load_model`` finds the folder.

        Raises:
            ModelError: The folder holds no model that this program can use.
        """
        self.folder = folder
        self.config = ModelConfig.load(folder)

    @property
    def name(self) -> str:
        """Of the model."""
        return self.config.name

    @property
    def dim(self) -> int:
        """Of the space."""
        return self.config.dim

    @property
    def identity(self) -> str:
        """Name and hash of everything the model consists of."""
        return self.config.identity

    @property
    def files(self) -> dict[str, str]:
        """By name, the sha256 of each file of the model."""
        return self.config.files

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Places texts in the space.

        A text is read twice where the model has a lexicon: the sum of its terms, and its sentence
        through the text tower, both of unit length, are added. The sentence weighs more the less
        of it the terms cover.

        Args:
            texts: Tags, lists of tags or sentences.

        Returns:
            ``(len(texts), dim)`` float32, unit rows. A text's row does not depend on the others.

        Raises:
            QueryError: A text is empty, or no word of it is understood.
            ModelError: The text tower is unusable.
        """
        if isinstance(texts, str):
            raise TypeError("embed_text takes a list of texts, not one text")
        if not texts:
            return np.empty((0, self.dim), np.float32)
        return np.stack([self._embed_cached(text) for text in texts])

    def embed_audio(self, paths: Iterable[str | PathLike[str]]) -> Vectors:
        """Places tracks in the space, each as a whole.

        Returns:
            ``(number of paths, dim)`` float32, unit rows; the same file gives the same row.

        Raises:
            AudioError: A file cannot be read.
            ModelError: The audio tower is unusable.
        """
        rows = [self.embed_file(path).vector for path in paths]
        return np.stack(rows) if rows else np.empty((0, self.dim), np.float32)

    def embed_audio_windows(self, path: str | PathLike[str]) -> list[EmbeddedWindow]:
        """Places the windows of a track in the space.

        Raises:
            AudioError: The file cannot be read.
            ModelError: The audio tower is unusable.
        """
        return list(self.embed_file(path).windows)

    def embed_file(
        self, path: str | PathLike[str], *, start: float = 0.0, duration: float | None = None
    ) -> AudioEmbedding:
        """Places a track and its windows in the space, in one reading of the file.

        Args:
            path: Of the file.
            start: Of the stretch to listen to, in seconds.
            duration: Of that stretch, in seconds; to the end without it.

        Raises:
            AudioError: The file cannot be read.
            ModelError: The audio tower is unusable.
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

    def parse_query(self, text: str) -> ParsedQuery:
        """What is understood of a text: terms of the lexicon, and what is left as a sentence."""
        return self._parse_cached(text)

    @cached_property
    def _parse_cached(self) -> Callable[[str], ParsedQuery]:
        # A page asks for hits, slips, moments and a map of one query, and again for each change.
        return lru_cache(_TEXTS_KEPT)(self._parse)

    @cached_property
    def _embed_cached(self) -> Callable[[str], Vectors]:
        return lru_cache(_TEXTS_KEPT)(self._embed_text)

    @cached_property
    def audio_tower(self) -> AudioTower:
        """Log-mel windows to vectors that are not yet of unit length."""
        return AudioTower(self.folder, self.config)

    @cached_property
    def text_tower(self) -> TextTower:
        """Sentences to vectors of unit length."""
        return TextTower(self.folder, self.config)

    @cached_property
    def reference(self) -> Vectors:
        """``(tracks, dim)`` float32, unit rows: music of many kinds to compare with.

        Empty where the model has none.
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
    def lexicon_vectors(self) -> LexiconVectors | None:
        """The lexicon, where the model has one."""
        if LEXICON not in self.config.files:
            return None
        files = self.config.files
        languages = check_file(self.folder, self.config, LANGUAGES) if LANGUAGES in files else None
        lexicon, concepts = (
            check_file(self.folder, self.config, name) for name in (LEXICON, CONCEPTS)
        )
        return LexiconVectors.load(lexicon, languages, concepts, self.dim)

    def unload(self) -> None:
        """Gives the memory of both towers back; they are loaded again when they are needed."""
        for part in ("audio_tower", "text_tower"):
            self.__dict__.pop(part, None)

    def _windows(
        self, path: str | PathLike[str], start: float, duration: float | None
    ) -> Iterator[Window]:
        from tunespace.audio import decode_blocks  # a search for words never needs it

        front_end = self.config.front_end
        samples = decode_blocks(path, front_end.sample_rate, start=start, duration=duration)
        return cut_windows(front_end.stream(samples), self.config.window, self.config.hop)

    def _parse(self, text: str) -> ParsedQuery:
        if self.lexicon_vectors is None:
            return ParsedQuery((), text)
        return parse_query(text, self.lexicon_vectors.lexicon, self.text_tower.in_vocabulary)

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
            raise QueryError(f"no word of {shown!r} is understood: describe it in other words")
        return normalize_rows(vector)

    def _encode_sentence(self, sentence: str) -> Vectors:
        vector = self.text_tower(sentence) if sentence else None
        return np.zeros(self.dim, np.float32) if vector is None else vector


def load_model(name: str | Path | None = None) -> Model:
    """Loads a model.

    Args:
        name: A bundled name, a folder, or ``hf:owner/name``; none for the default.

    Raises:
        ModelError: There is none, or it cannot be used; says why.
    """
    return Model(find_model(name))
