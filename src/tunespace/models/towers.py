"""The two towers of a model as ONNX graphs.

Each runs on one thread: indexing is parallel over files, and a query is too short to be split.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from tunespace.errors import ModelError
from tunespace.models.config import AUDIO_TOWER, TEXT_TOWER, TOKENIZER, ModelConfig
from tunespace.models.folder import check_file

Vectors = npt.NDArray[np.float32]

# As unlike as music can be: a text tower that sees them alike has collapsed.
_PROBES = ("jazz", "death metal", "solo piano lullaby", "fast electronic dance music", "a choir")
_COLLAPSED = 0.98


class AudioTower:
    """Log-mel windows to vectors."""

    def __init__(self, folder: Path, config: ModelConfig) -> None:
        """Loads the graph and checks its shapes.

        Raises:
            ModelError: The file is missing, another, or has other shapes than the configuration.
        """
        self._session = _session(check_file(folder, config, AUDIO_TOWER))
        shape = (config.window, config.front_end.n_mels)
        _require_shapes(folder / AUDIO_TOWER, self._session, {"log_mel": shape}, config.dim)

    def __call__(self, windows: npt.NDArray[np.float32]) -> Vectors:
        """Maps ``(batch, frames, n_mels)`` float32 decibels to ``(batch, dim)`` float32."""
        vectors: Vectors = self._session.run(None, {"log_mel": windows})[0]
        return vectors


class TextTower:
    """Sentences to vectors."""

    def __init__(self, folder: Path, config: ModelConfig) -> None:
        """Loads graph and tokenizer and checks their shapes and that texts differ.

        Raises:
            ModelError: A file is missing, another, or has other shapes than the configuration; or
                the tower has collapsed.
        """
        path = check_file(folder, config, TEXT_TOWER)
        self._session = _session(path)
        _require_shapes(path, self._session, {"input_ids": (), "attention_mask": ()}, config.dim)
        self._tokenizer = Tokenizer.from_file(str(check_file(folder, config, TOKENIZER)))
        self._tokenizer.enable_truncation(config.max_tokens)
        self._tokenizer.no_padding()
        _refuse_collapsed(path, [self(probe) for probe in _PROBES])

    def __call__(self, sentence: str) -> Vectors | None:
        """Maps a sentence to ``(dim,)`` float32, unit length; none where it knows no word of it."""
        # One at a time: the activations of a quantised tower are scaled over the batch, so that a
        # text's vector would depend on its neighbours.
        encoding = self._tokenizer.encode(sentence)
        unknown = self._tokenizer.token_to_id("[UNK]")
        said = zip(encoding.ids, encoding.special_tokens_mask, strict=True)
        if all(special or token == unknown for token, special in said):
            return None
        ids = np.array([encoding.ids], np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        vector: Vectors = self._session.run(None, inputs)[0][0]
        return unit(vector)


def unit(vectors: Vectors) -> Vectors:
    """Rows of length one; a row of zeros stays."""
    length: Vectors = np.linalg.norm(vectors, axis=-1, keepdims=True)
    length[length == 0] = 1
    scaled: Vectors = vectors / length
    return scaled


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path} cannot be read as an ONNX model ({error})") from error


def _require_shapes(
    path: Path,
    session: onnxruntime.InferenceSession,
    inputs: dict[str, tuple[int, ...]],
    dim: int,
) -> None:
    found: dict[str, Any] = {node.name: node.shape for node in session.get_inputs()}
    if set(found) != set(inputs):
        raise ModelError(f"{path} reads {', '.join(found)}, not {', '.join(inputs)}")
    for name, shape in inputs.items():
        if shape and tuple(found[name][1:]) != shape:
            raise ModelError(f"{path} reads {name} of shape {found[name][1:]}, not {list(shape)}")
    given = session.get_outputs()[0].shape
    if len(given) != 2 or given[1] != dim:
        raise ModelError(f"{path} gives shape {given}, not [batch, {dim}] as config.json says")


def _refuse_collapsed(path: Path, probes: list[Vectors | None]) -> None:
    vectors = np.stack([probe for probe in probes if probe is not None])
    pairs = np.triu_indices(len(vectors), 1)
    alike = float((vectors @ vectors.T)[pairs].mean())
    if not alike < _COLLAPSED:
        raise ModelError(
            f"{path} has collapsed: {len(vectors)} texts as unlike as {_PROBES[0]!r} and "
            f"{_PROBES[1]!r} have a mean cosine of {alike:.4f} (at most {_COLLAPSED})"
        )
