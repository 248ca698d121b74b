"""The two towers of a model as ONNX graphs.

Each runs on one thread: indexing is parallel over files, and a query is too short to be split.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from tunespace.errors import ModelError
from tunespace.models.config import AUDIO_TOWER, TEXT_TOWER, TOKENIZER, ModelConfig
from tunespace.models.registry import check_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]

_COLLAPSED = 0.98


class AudioTower:
    """Maps log-mel windows to vectors."""

    def __init__(self, folder: Path, config: ModelConfig) -> None:
        """Load the graph and check its shapes.

        Raises:
            ModelError: The file is missing or modified, or its shapes do not match the
                configuration.
        """
        self._session = open_session(check_file(folder, config, AUDIO_TOWER))
        shape = (config.window, config.front_end.n_mels)
        _require_shapes(folder / AUDIO_TOWER, self._session, {"log_mel": shape}, config.dim)

    def __call__(self, windows: npt.NDArray[np.float32]) -> Vectors:
        """Map ``(batch, frames, n_mels)`` float32 decibels to ``(batch, dim)`` float32."""
        vectors: Vectors = self._session.run(None, {"log_mel": windows})[0]
        return vectors


class TextTower:
    """Maps sentences to unit vectors."""

    def __init__(
        self,
        folder: Path,
        config: ModelConfig,
        opening: Future[onnxruntime.InferenceSession] | None = None,
    ) -> None:
        """Load graph and tokenizer, check their shapes, and check that the tower has not collapsed.

        Args:
            folder: Model folder.
            config: Its configuration.
            opening: Result of ``start_opening``; None to open the graph now.

        Raises:
            ModelError: A file is missing or modified, shapes do not match the configuration, or the
                tower has collapsed.
        """
        path = folder / TEXT_TOWER
        opening = opening or self.start_opening(folder, config)
        self._tokenizer = open_tokenizer(check_file(folder, config, TOKENIZER), config.max_tokens)
        self._session = opening.result()
        _require_shapes(path, self._session, {"input_ids": (), "attention_mask": ()}, config.dim)
        require_distinct_texts(path, config.probes, self)

    @staticmethod
    def start_opening(folder: Path, config: ModelConfig) -> Future[onnxruntime.InferenceSession]:
        """Check the content of the graph, and start to open it in a thread.

        Raises:
            ModelError: The file is missing or modified.
        """
        path = check_file(folder, config, TEXT_TOWER)
        executor = ThreadPoolExecutor(1, "open-text-tower")
        opening = executor.submit(open_session, path)
        executor.shutdown(wait=False)
        return opening

    def __call__(self, sentence: str) -> Vectors | None:
        """Map a sentence to ``(dim,)`` float32, unit length; None if no word of it is known."""
        encoding = self._tokenizer.encode(sentence)
        unknown = self._tokenizer.token_to_id("[UNK]")
        tokens = zip(encoding.ids, encoding.special_tokens_mask, strict=True)
        if all(special or token == unknown for token, special in tokens):
            return None
        return normalize_rows(read_tokens(self._session, encoding.ids))

    def in_vocabulary(self, word: str) -> bool:
        """Return whether a word is a single token, as frequent words are."""
        read = self._tokenizer.encode(word, add_special_tokens=False).ids
        return len(read) == 1 and read[0] != self._tokenizer.token_to_id("[UNK]")


def open_tokenizer(path: Path, max_tokens: int) -> "Tokenizer":
    """Open a tokenizer with truncation and without padding."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def read_tokens(session: onnxruntime.InferenceSession, ids: list[int]) -> Vectors:
    """Return the ``(dim,)`` float32 output of a text graph for one text.

    One text at a time: the activations of a quantised graph are scaled over the batch, so that an
    embedding would depend on the other texts.
    """
    batch = np.array([ids], np.int64)
    inputs = {"input_ids": batch, "attention_mask": np.ones_like(batch)}
    vector: Vectors = session.run(None, inputs)[0][0]
    return vector


def normalize_rows(vectors: Vectors) -> Vectors:
    """Scale rows to unit length; rows of zeros are kept.

    Examples:
        >>> normalize_rows(np.array([[3, 4], [0, 0]], np.float32)).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    length: Vectors = np.linalg.norm(vectors, axis=-1, keepdims=True)
    length[length == 0] = 1
    scaled: Vectors = vectors / length
    return scaled


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Open an ONNX graph on one thread.

    Raises:
        ModelError: The file is not a graph that ONNX Runtime can run.
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
    actual: dict[str, Any] = {node.name: node.shape for node in session.get_inputs()}
    if set(actual) != set(inputs):
        raise ModelError(f"{path} has inputs {', '.join(actual)}, not {', '.join(inputs)}")
    for name, shape in inputs.items():
        if shape and tuple(actual[name][1:]) != shape:
            raise ModelError(
                f"{path}: input {name} has shape {actual[name][1:]}, not {list(shape)}"
            )
    given = session.get_outputs()[0].shape
    if len(given) != 2 or given[1] != dim:
        raise ModelError(
            f"{path}: the output has shape {given}, not [batch, {dim}] as in config.json"
        )


def require_distinct_texts(
    path: Path, probes: Sequence[str], tower: Callable[[str], Vectors | None]
) -> None:
    """Check that a text tower has not collapsed.

    Args:
        path: Path of the text graph, for the message.
        probes: Texts with different meanings.
        tower: Text tower.

    Raises:
        ModelError: The embeddings of the probes are nearly equal, or one of them is zero.
    """
    known = [(probe, point) for probe in probes if (point := tower(probe)) is not None]
    for probe, point in known:
        if not point.any():
            raise ModelError(f"{path} has collapsed: the embedding of {probe!r} is zero")
    if len(known) < 2:
        return
    vectors = np.stack([point for _, point in known])
    pairs = np.triu_indices(len(vectors), 1)
    alike = float((vectors @ vectors.T)[pairs].mean())
    if not alike < _COLLAPSED:
        raise ModelError(
            f"{path} has collapsed: {len(known)} different texts such as {known[0][0]!r} and "
            f"{known[1][0]!r} have a mean cosine of {alike:.4f} (at most {_COLLAPSED})"
        )
