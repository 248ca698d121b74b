"""A model folder in the real format, small enough to be made in a test.

Its audio tower answers with the mean of the first and of the second half of the bands; its text
tower with the mean of an embedding that has a row for each word.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

from tunespace.audio import LogMel
from tunespace.models.config import ModelConfig, sha256_of

WORDS = "[UNK] low high jazz death metal solo piano lullaby fast electronic dance music a choir"
UNKNOWN = "[UNK]"
LOW, HIGH = (1.0, 0.0), (0.0, 1.0)
FRONT_END = LogMel(n_mels=8)


def make(folder: Path, *, collapsed: float | None = None, dim: int = 2) -> Path:
    """Write the folder.

    Args:
        folder: Folder to write.
        collapsed: Value of all text embeddings, for a collapsed text tower.
        dim: Dimension in ``config.json``; the towers have 2.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = WORDS.split()
    random = np.random.default_rng(0)
    rows = random.normal(size=(len(words), 2)).astype(np.float32)
    rows[words.index("low")], rows[words.index("high")] = LOW, HIGH
    if collapsed is not None:
        rows = np.full_like(rows, collapsed)
    _save(folder / "audio.onnx", _audio_tower(50))
    _save(folder / "text.onnx", _text_tower(rows))
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(words)}, unk_token=UNKNOWN))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    write_config(folder, dim=dim)
    return folder


def write_config(folder: Path, *, dim: int = 2, name: str = "tiny") -> None:
    config = ModelConfig(
        name=name,
        dim=dim,
        front_end=FRONT_END,
        window=50,
        hop=50,
        max_tokens=16,
        sentence_weight=(0.3, 1.0),
        files={p.name: sha256_of(p) for p in sorted(folder.iterdir()) if p.name != "config.json"},
    )
    (folder / "config.json").write_text(json.dumps(config.as_json()))


def _audio_tower(window: int) -> onnx.GraphProto:
    halves = np.zeros((8, 2), np.float32)
    halves[:4, 0] = halves[4:, 1] = 0.25
    return helper.make_graph(
        [
            helper.make_node("Add", ["log_mel", "offset"], ["positive"]),
            helper.make_node("ReduceMean", ["positive", "time"], ["mean"], keepdims=0),
            helper.make_node("MatMul", ["mean", "halves"], ["embedding"]),
        ],
        "audio",
        [helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, ["batch", window, 8])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 2])],
        [
            numpy_helper.from_array(np.array(80, np.float32), "offset"),
            numpy_helper.from_array(np.array([1], np.int64), "time"),
            numpy_helper.from_array(halves, "halves"),
        ],
    )


def _text_tower(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> onnx.GraphProto:
    tokens = ["batch", "tokens"]
    return helper.make_graph(
        [
            helper.make_node("Gather", ["rows", "input_ids"], ["states"]),
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"]),
            helper.make_node("Mul", ["states", "mask3"], ["masked"]),
            helper.make_node("ReduceMean", ["masked", "time"], ["embedding"], keepdims=0),
        ],
        "text",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, tokens),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, tokens),
        ],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 2])],
        [
            numpy_helper.from_array(rows, "rows"),
            numpy_helper.from_array(np.array([1], np.int64), "time"),
            numpy_helper.from_array(np.array([-1], np.int64), "last"),
        ],
    )


def _save(path: Path, graph: onnx.GraphProto) -> None:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, path)
