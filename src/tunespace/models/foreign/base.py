"""Base class of foreign models: identity, windows over the whole track, and their mean."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunespace.errors import QueryError
from tunespace.models.config import sha256_of
from tunespace.models.model import AudioEmbedding, EmbeddedWindow, Vectors
from tunespace.models.onnx_towers import normalize_rows

if TYPE_CHECKING:
    from tunespace.audio.decoding import Waveform

WEIGHTS = (".safetensors", ".bin", ".pth", ".pt")
"""Suffixes of weight files."""

_SUFFIXES = {*WEIGHTS, ".json", ".txt", ".model", ".yaml", ".yml"}


class ForeignModel(ABC):
    """Model of another project.

    The whole track is embedded in consecutive windows of the length that the model was trained
    with; a track's embedding is the mean of its window embeddings before they are normalised.
    Nothing is drawn at random: the same file gives the same embedding.

    Attributes:
        folder: Folder of the model.
        sample_rate: Sample rate of its input, in Hz.
        seconds: Length of a window, in seconds.
        wraps: Whether the last window is filled with the beginning of the track.

    Examples:
        >>> from tunespace.models.foreign.ttmr import Ttmr
        >>> issubclass(Ttmr, ForeignModel), Ttmr.wraps
        (True, False)
    """

    sample_rate: int
    seconds: float
    wraps = False

    def __init__(self, folder: Path) -> None:
        """Take the folder; weights are loaded on first use."""
        self.folder = folder

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name

    @cached_property
    def files(self) -> dict[str, str]:
        """sha256 of each file, by name."""
        return {
            path.relative_to(self.folder).as_posix(): sha256_of(path)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and path.suffix in _SUFFIXES
            and not any(name.startswith(".") for name in path.relative_to(self.folder).parts)
        }

    @cached_property
    def identity(self) -> str:
        """Name and hash."""
        text = "".join(f"{name}{sha256}" for name, sha256 in self.files.items())
        return f"{self.name}@{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    @property
    @abstractmethod
    def dim(self) -> int:
        """Dimension of the embedding space."""

    @property
    @abstractmethod
    def audio_tower(self) -> object:
        """Audio tower; loaded on access."""

    @abstractmethod
    def encode_audio(self, samples: "Waveform") -> Vectors:
        """Return the ``(dim,)`` embedding of a window, as the model computes it, not normalised."""

    @abstractmethod
    def encode_text(self, text: str) -> Vectors:
        """Return the ``(dim,)`` embedding of a text, as the model computes it, not normalised."""

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Embed texts one at a time: the padding of one must not change another.

        Returns:
            ``(texts, dim)`` float32, unit rows.

        Raises:
            QueryError: A text is empty.
        """
        if any(not text.strip() for text in texts):
            raise QueryError("the query is empty: describe the music in a few words")
        rows = [self.encode_text(text) for text in texts]
        return normalize_rows(np.stack(rows)) if rows else np.empty((0, self.dim), np.float32)

    def embed_file(
        self, path: str | PathLike[str], *, start: float = 0.0, duration: float | None = None
    ) -> AudioEmbedding:
        """Embed a track and its windows.

        Raises:
            AudioError: The file cannot be read.
        """
        spans: list[tuple[float, float]] = []
        rows: list[Vectors] = []
        for begin, samples in self._windows(path, start, duration):
            spans.append((begin, begin + len(samples) / self.sample_rate))
            rows.append(self.encode_audio(samples))
        vectors = np.stack(rows).astype(np.float32)
        windows = tuple(
            EmbeddedWindow(*span, vector)
            for span, vector in zip(spans, normalize_rows(vectors), strict=True)
        )
        return AudioEmbedding(spans[-1][1], normalize_rows(vectors.mean(axis=0)), windows)

    def _windows(
        self, path: str | PathLike[str], start: float, duration: float | None
    ) -> "Iterator[tuple[float, Waveform]]":
        """Yield windows with their starts; long tracks lose a remainder of less than a second."""
        from tunespace.audio import decode_blocks  # not needed by a text search

        size = round(self.seconds * self.sample_rate)
        waiting = first = np.empty(0, np.float32)
        at = 0
        for block in decode_blocks(path, self.sample_rate, start=start, duration=duration):
            waiting = np.concatenate([waiting, block])
            while len(waiting) >= size:
                if not at:
                    first = waiting[:size]
                yield at / self.sample_rate, waiting[:size]
                waiting, at = waiting[size:], at + size
        if self.wraps and len(waiting):
            beginning = first if at else waiting
            yield at / self.sample_rate, np.concatenate([waiting, beginning])[:size]
        elif len(waiting) >= self.sample_rate or not at:
            yield at / self.sample_rate, waiting
