"""Protocol of all models, ours and those of other projects: everything that evaluation needs."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Protocol

from tunespace.models.model import AudioEmbedding, Vectors


class JointModel(Protocol):
    """Model of music and text in one embedding space.

    Examples:
        >>> from tunespace.models import load_joint_model
        >>> model: JointModel = load_joint_model("tunespace-small")
        >>> model.name, model.dim
        ('tunespace-small', 159)
    """

    @property
    def folder(self) -> Path:
        """Folder of the model."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def dim(self) -> int:
        """Dimension of the embedding space."""

    @property
    def identity(self) -> str:
        """Name and hash of all files."""

    @property
    def files(self) -> Mapping[str, str]:
        """sha256 of each file, by name."""

    @property
    def audio_tower(self) -> object:
        """Audio tower; loaded on access."""

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Embed texts as ``(texts, dim)`` float32, unit rows."""

    def embed_file(
        self, path: str | PathLike[str], *, start: float = 0.0, duration: float | None = None
    ) -> AudioEmbedding:
        """Embed a track, or a part of it, and its windows."""
