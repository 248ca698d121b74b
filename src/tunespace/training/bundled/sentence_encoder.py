"""Sentence encoder as the text tower of a concept space, fitted in closed form.

The encoder (a BERT with mean pooling, in the layout of sentence-transformers) is exported,
quantised to int8, and followed by a ridge regression from its embeddings to concept vectors. The
regression is fitted on the outputs of the int8 encoder, which is the one that is used.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn
from transformers import BertModel

from tunespace.models.onnx_towers import open_session, open_tokenizer, read_tokens


class _MeanPooled(nn.Module):
    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids, attention_mask=attention_mask).last_hidden_state
        return mean_pooled(states, attention_mask)


def mean_pooled(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return ``(batch, hidden)`` unit rows: the mean over tokens where mask is 1."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=1)


def load_encoder(pretrained: Path) -> BertModel:
    """Load a BERT from a folder."""
    encoder: BertModel = BertModel.from_pretrained(
        pretrained, attn_implementation="eager", local_files_only=True, add_pooling_layer=False
    )
    return encoder


def export_encoder(encoder: BertModel, path: Path) -> None:
    """Write a BERT with mean pooling as int8 ONNX.

    Inputs ``input_ids`` and ``attention_mask`` ``(batch, tokens)`` int64; output ``sentence``
    ``(batch, hidden)`` float32, unit rows.
    """
    full = path.with_suffix(".fp32.onnx")
    # Two tensors: the exporter merges one tensor that is given for two inputs into one input.
    ids, mask = torch.ones(2, 7, dtype=torch.int64), torch.ones(2, 7, dtype=torch.int64)
    batch, length = torch.export.Dim("batch"), torch.export.Dim("tokens", min=2, max=512)
    torch.onnx.export(
        _MeanPooled(encoder).eval(),
        (ids, mask),
        full,
        input_names=["input_ids", "attention_mask"],
        output_names=["sentence"],
        dynamic_shapes={
            "input_ids": {0: batch, 1: length},
            "attention_mask": {0: batch, 1: length},
        },
        external_data=False,
        verbose=False,
    )
    # A scale for each channel: cosine to the full model .992, with one for all .96.
    quantize_dynamic(full, path, weight_type=QuantType.QInt8, per_channel=True)
    full.unlink()


def embed(
    encoder: Path, tokenizer: Path, texts: list[str], max_tokens: int
) -> npt.NDArray[np.float32]:
    """Return ``(texts, hidden)`` float32: each text on its own, as at inference."""
    session, cutter = open_session(encoder), open_tokenizer(tokenizer, max_tokens)
    return np.stack([read_tokens(session, cutter.encode(text).ids) for text in texts])


def fit_ridge(
    x: npt.NDArray[np.float32], y: npt.NDArray[np.float32], penalty: float
) -> npt.NDArray[np.float32]:
    """Return ``(inputs + 1, outputs)`` float32: weights, and the intercept in the last row.

    Minimises ``|x w + b - y|^2 + penalty |w|^2`` (Hoerl and Kennard 1970); the intercept has no
    penalty.
    """
    x64, y64 = x.astype(np.float64), y.astype(np.float64)
    x_mean, y_mean = x64.mean(axis=0), y64.mean(axis=0)
    centred = x64 - x_mean
    gram = centred.T @ centred + penalty * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (y64 - y_mean))
    return np.vstack([weights, y_mean - x_mean @ weights]).astype(np.float32)


def append_linear(encoder: Path, ridge: npt.NDArray[np.float32], path: Path) -> None:
    """Write ``text.onnx``: the encoder, then the linear map of ``fit_ridge``."""
    model = onnx.load(encoder)
    graph = model.graph
    hidden = graph.output[0].name
    graph.initializer.extend(
        [
            numpy_helper.from_array(ridge[:-1], "ridge_weights"),
            numpy_helper.from_array(ridge[-1], "ridge_intercept"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("MatMul", [hidden, "ridge_weights"], ["ridge_product"]),
            helper.make_node("Add", ["ridge_product", "ridge_intercept"], ["joint_embedding"]),
        ]
    )
    del graph.output[:]
    shape = ["batch", ridge.shape[1]]
    graph.output.append(
        helper.make_tensor_value_info("joint_embedding", onnx.TensorProto.FLOAT, shape)
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)
