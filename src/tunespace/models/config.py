"""`config.json` of a model folder: what the towers read and give, and the hash of every file.

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
    """What a model folder says about itself.

    Attributes:
        name: Of the model.
        dim: Of the joint space.
        front_end: The log-mel that the audio tower reads.
        window: Frames in a window.
        hop: Frames between the starts of windows.
        max_tokens: Tokens of a sentence that the text tower reads; what follows is cut off.
        sentence_weight: Of the sentence beside the terms of the lexicon: where they cover all of
            it, and where they cover nothing.
        files: By name, the sha256 of each file that the model consists of.
        probes: Texts as unlike as music can be: a text tower that sees them alike has collapsed.
            A model that learned few words names some of those.
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
        """Over the whole of the configuration, hence over every file of the model."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def identity(self) -> str:
        """Name and hash: vectors of different identities are points of different spaces."""
        return f"{self.name}@{self.sha256[:16]}"

    def as_json(self) -> dict[str, Any]:
        """What ``config.json`` holds."""
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
        """Reads ``config.json``.

        Raises:
            ModelError: It is missing, no model's, or of a version that this program cannot read.
        """
        path = folder / "config.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise ModelError(f"{folder} is no model: it has no config.json") from None
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read ({error})") from error
        version = found.get("schema_version") if isinstance(found, dict) else None
        if version is None:
            raise ModelError(f"{folder} is no tunespace model: config.json has no schema_version")
        if version != SCHEMA_VERSION:
            raise ModelError(
                f"{folder} has schema version {version}, this program reads {SCHEMA_VERSION}: "
                "install a newer tunespace, or export the model again"
            )
        try:
            config = cls(
                name=str(found["name"]),
                dim=int(found["dim"]),
                front_end=LogMel(**found["audio"]["front_end"]),
                window=int(found["audio"]["window"]),
                hop=int(found["audio"]["hop"]),
                max_tokens=int(found["text"]["max_tokens"]),
                sentence_weight=_two_floats(found["text"]["sentence_weight"]),
                probes=tuple(map(str, found["text"].get("probes", PROBES))),
                files={str(name): str(sha256) for name, sha256 in found["files"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{path} is incomplete or wrong: {error!r}") from error
        if missing := [name for name in REQUIRED if name not in config.files]:
            raise ModelError(f"{path} is incomplete: it lists no {', '.join(missing)}")
        return config


def _two_floats(values: Any) -> tuple[float, float]:  # noqa: ANN401 - parsed JSON
    low, high = values
    return float(low), float(high)


def sha256_of(path: Path) -> str:
    """The hash of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
