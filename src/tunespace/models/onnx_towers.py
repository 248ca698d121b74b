"""The two towers of a model as ONNX graphs.

Each runs on one thread: indexing is parallel over files, and a query is too short to be split.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from tunespace.errors import ModelError
from tunespace.models.config import AUDIO_TOWER, TEXT_TOWER, TOKENIZER, ModelConfig
from tunespace.models.registry import check_file

Vectors = npt.NDArray[np.float32]

_COLLAPSED = 0.98


class AudioTower:
    """Log-mel windows to vectors."""

    def __init__(self, folder: Path, config: ModelConfig) -> None:
        """Loads the graph and checks its shapes.

        Raises:
            ModelError: The file is missing, another, or has other shapes than the configuration.
        """
        self._session = open_session(check_file(folder, config, AUDIO_TOWER))
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
        self._session = open_session(path)
        _require_shapes(path, self._session, {"input_ids": (), "attention_mask": ()}, config.dim)
        self._tokenizer = open_tokenizer(check_file(folder, config, TOKENIZER), config.max_tokens)
        require_distinct_texts(path, config.probes, self)

    def __call__(self, sentence: str) -> Vectors | None:
        """Maps a sentence to ``(dim,)`` float32, unit length; none where it knows no word of it."""
        encoding = self._tokenizer.encode(sentence)
        unknown = self._tokenizer.token_to_id("[UNK]")
        said = zip(encoding.ids, encoding.special_tokens_mask, strict=True)
        if all(special or token == unknown for token, special in said):
            return None
        return normalize_rows(read_tokens(self._session, encoding.ids))

    def in_vocabulary(self, word: str) -> bool:
        """Whether the tokenizer has the word whole, as it has those that are often written."""
        read = self._tokenizer.encode(word, add_special_tokens=False).ids
        return len(read) == 1 and read[0] != self._tokenizer.token_to_id("[UNK]")


def open_tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    """A tokenizer that cuts off what is too long and pads nothing."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def read_tokens(session: onnxruntime.InferenceSession, ids: list[int]) -> Vectors:
    """``(dim,)`` float32: what a text graph says of one text.

    One at a time: the activations of a quantised graph are scaled over the batch, so that a text's
    vector would depend on its neighbours.
    """
    batch = np.array([ids], np.int64)
    inputs = {"input_ids": batch, "attention_mask": np.ones_like(batch)}
    vector: Vectors = session.run(None, inputs)[0][0]
    return vector


def normalize_rows(vectors: Vectors) -> Vectors:
    """Rows of length one; a row of zeros stays."""
    length: Vectors = np.linalg.norm(vectors, axis=-1, keepdims=True)
    length[length == 0] = 1
    scaled: Vectors = vectors / length
    return scaled


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """A graph on one thread.

    Raises:
        ModelError: The file is no graph that ONNX Runtime can run.
    """
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


def require_distinct_texts(
    path: Path, probes: Sequence[str], tower: Callable[[str], Vectors | None]
) -> None:
    """Raise if the texts of a model folder that should differ have nearly one embedding.

    Args:
        path: Path of the text graph, for the message.
        probes: Texts that mean different things.
        tower: Text tower.

    Raises:
        ModelError: The tower has collapsed: the mean cosine of the probes is too high.
    """
    known = [(probe, point) for probe in probes if (point := tower(probe)) is not None]
    if len(known) < 2:
        return
    vectors = np.stack([point for _, point in known])
    pairs = np.triu_indices(len(vectors), 1)
    alike = float((vectors @ vectors.T)[pairs].mean())
    if not alike < _COLLAPSED:
        raise ModelError(
            f"{path} has collapsed: {len(known)} texts as unlike as {known[0][0]!r} and "
            f"{known[1][0]!r} have a mean cosine of {alike:.4f} (at most {_COLLAPSED})"
        )
