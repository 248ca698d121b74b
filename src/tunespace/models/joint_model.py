"""What every model can do, ours and other people's: this is all that judging needs."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Protocol

from tunespace.models.model import AudioEmbedding, Model, Vectors
from tunespace.models.registry import find_model

WEIGHTS = (".safetensors", ".bin", ".pth", ".pt")
"""How files of weights of other projects end."""


class JointModel(Protocol):
    """Music and words in one space."""

    @property
    def folder(self) -> Path:
        """Where it lies."""

    @property
    def name(self) -> str:
        """Of the model."""

    @property
    def dim(self) -> int:
        """Of the space."""

    @property
    def identity(self) -> str:
        """Name and hash of everything it consists of."""

    @property
    def files(self) -> Mapping[str, str]:
        """By name, the sha256 of each of its files."""

    @property
    def audio_tower(self) -> object:
        """Whatever listens; asking for it loads it."""

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """``(texts, dim)`` float32, unit rows."""

    def embed_file(
        self, path: str | PathLike[str], *, start: float = 0.0, duration: float | None = None
    ) -> AudioEmbedding:
        """A track, or a stretch of it, and its windows."""


def load_joint_model(name: str | Path | None = None) -> JointModel:
    """Loads a model, whoever made it.

    Args:
        name: As for ``load_model``; a folder may also hold a checkpoint of another project in its
            published format (``tunespace.models.foreign``).

    Raises:
        ModelError: There is none, or it cannot be used; says why.
    """
    folder = find_model(name)
    if _is_foreign(folder):
        # Needs torch, which nothing else does.
        from tunespace.models.foreign import load_foreign

        return load_foreign(folder)
    return Model(folder)


def _is_foreign(folder: Path) -> bool:
    import json

    if not folder.is_dir():
        return False
    if (folder / "conse.json").exists():
        return True
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    if not isinstance(found, dict) or "schema_version" in found:
        return False  # our own loader says what is wrong
    weights = any(path.suffix in WEIGHTS for path in folder.iterdir())
    return weights or "model_type" in found
