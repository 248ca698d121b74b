"""Configuration of a model folder (``config.json``): inputs of the towers, hash of every file.

Version 1::

    {
      "schema_version": 1,
      "name": "tunespace-small",
      "dim": 95,
      "audio": {"front_end": {"sample_rate": 16000, ...}, "window": 500, "hop": 500},
      "text": {"max_tokens": 128, "sentence_weight": [0.3, 1.0]},
      "files": {"audio.onnx": "<sha256>", "text.onnx": "<sha256>", ...}
    }
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunespace.audio import LogMel
from tunespace.errors import ModelError

SCHEMA_VERSION = 1
AUDIO_TOWER = "audio.onnx"
TEXT_TOWER = "text.onnx"
TOKENIZER = "tokenizer.json"
LEXICON = "lexicon.tsv"
LANGUAGES = "languages.tsv"
CONCEPTS = "concepts.json"
REFERENCE = "reference.npy"
PROBES = ("jazz", "death metal", "solo piano lullaby", "fast electronic dance music", "a choir")
REQUIRED = (AUDIO_TOWER, TEXT_TOWER, TOKENIZER)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Configuration of a model folder.

    Attributes:
        name: Name of the model.
        dim: Dimension of the embedding space.
        front_end: Log-mel front end of the audio tower.
        window: Number of frames of a window.
        hop: Number of frames between the starts of windows.
        max_tokens: Maximum number of tokens of a sentence; longer ones are truncated.
        sentence_weight: Weights of the sentence embedding beside the lexicon terms: if the terms
            cover the whole query, and if they cover nothing.
        files: sha256 of each file of the model, by name.
        probes: Texts with different meanings: a text tower that embeds them alike has collapsed. A
            model with a small vocabulary names texts that it knows.

    Examples:
        >>> from tunespace.models import find_model
        >>> config = ModelConfig.load(find_model("tunespace-small"))
        >>> config.name, config.front_end.sample_rate
        ('tunespace-small', 16000)
    """

    name: str
    dim: int
    front_end: LogMel
    window: int
    hop: int
    max_tokens: int
    sentence_weight: tuple[float, float]
    files: dict[str, str]
    probes: tuple[str, ...] = PROBES

    @property
    def sha256(self) -> str:
        """Hash of the whole configuration, and hence of every file of the model."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def identity(self) -> str:
        """Name and hash: embeddings of different identities belong to different spaces."""
        return f"{self.name}@{self.sha256[:16]}"

    def as_json(self) -> dict[str, Any]:
        """Return the content of ``config.json``."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "dim": self.dim,
            "audio": {
                "front_end": self.front_end.as_json(),
                "window": self.window,
                "hop": self.hop,
            },
            "text": {
                "max_tokens": self.max_tokens,
                "sentence_weight": list(self.sentence_weight),
            }
            | ({} if self.probes == PROBES else {"probes": list(self.probes)}),
            "files": self.files,
        }

    @classmethod
    def load(cls, folder: Path) -> "ModelConfig":
        """Load ``config.json``.

        Raises:
            ModelError: The file is missing, not a model's, or of an unsupported version.
        """
        path = folder / "config.json"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise ModelError(f"{folder} is not a model: it has no config.json") from None
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read ({error})") from error
        version = values.get("schema_version") if isinstance(values, dict) else None
        if version is None:
            kind = values.get("model_type") if isinstance(values, dict) else None
            if kind:
                raise ModelError(
                    f"{folder} is a checkpoint of another project ({kind}): `evaluate` and "
                    "`compare` read it, the other commands need a model folder of tunespace"
                )
            raise ModelError(
                f"{folder} is not a tunespace model: config.json has no schema_version"
            )
        if version != SCHEMA_VERSION:
            raise ModelError(
                f"{folder} has schema version {version}, this version reads {SCHEMA_VERSION}: "
                "install a newer tunespace, or export the model again"
            )
        try:
            config = cls(
                name=str(values["name"]),
                dim=int(values["dim"]),
                front_end=LogMel(**values["audio"]["front_end"]),
                window=int(values["audio"]["window"]),
                hop=int(values["audio"]["hop"]),
                max_tokens=int(values["text"]["max_tokens"]),
                sentence_weight=_two_floats(values["text"]["sentence_weight"]),
                probes=tuple(map(str, values["text"].get("probes", PROBES))),
                files={str(name): str(sha256) for name, sha256 in values["files"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{path} is incomplete or not valid: {error!r}") from error
        if missing := [name for name in REQUIRED if name not in config.files]:
            raise ModelError(f"{path} is incomplete: it lists no {', '.join(missing)}")
        return config


def _two_floats(values: Any) -> tuple[float, float]:  # noqa: ANN401 - parsed JSON
    low, high = values
    return float(low), float(high)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
