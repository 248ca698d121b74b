"""Networks as ONNX graphs."""

import logging
import warnings
from pathlib import Path
from typing import Any

import onnx
import onnx.compose
import onnx.version_converter
import torch
from torch import Tensor, nn

from tunespace.errors import TrainingError


def export_onnx(
    network: nn.Module, path: Path, inputs: dict[str, Tensor], shapes: dict[str, dict[int, Any]]
) -> None:
    """Writes a network as ONNX with one output, ``point``.

    Args:
        network: Takes its inputs by their names.
        path: Of the file.
        inputs: Examples; no two of them the same tensor, which would be taken for one input.
        shapes: Axes whose length is free.
    """
    # The exporter warns of packages that it could use and does not need.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            tuple(inputs.values()),
            path,
            input_names=list(inputs),
            output_names=["point"],
            dynamic_shapes=shapes,
            external_data=False,
            verbose=False,
        )


def write_with_head(graph: Path, head: nn.Module, rows: Tensor, path: Path) -> None:
    """Writes a graph with a network behind its only output.

    Args:
        graph: Of the tower that is there already.
        head: Maps what it gives.
        rows: ``(batch, width)``, an example of that.
        path: Of the file.

    Raises:
        TrainingError: The graph cannot be joined with another.
    """
    behind = path.with_suffix(".head.onnx")
    export_onnx(head, behind, {"heard": rows}, {"heard": {0: torch.export.Dim("batch")}})
    tower, follows = onnx.load(graph), onnx.load(behind)
    behind.unlink()
    opset = {entry.domain: entry.version for entry in tower.opset_import}.get("", 0)
    own = {entry.domain: entry.version for entry in follows.opset_import}.get("", 0)
    try:
        if opset < own:
            tower = onnx.version_converter.convert_version(tower, own)
        elif own < opset:
            follows = onnx.version_converter.convert_version(follows, opset)
        tower.ir_version = follows.ir_version = max(tower.ir_version, follows.ir_version)
        follows = onnx.compose.add_prefix(follows, "head.")
        ends = [(tower.graph.output[0].name, "head.heard")]
        joined = onnx.compose.merge_models(tower, follows, io_map=ends)
    except (ValueError, RuntimeError, onnx.checker.ValidationError) as error:
        raise TrainingError(f"{graph} cannot be joined with what was trained ({error})") from error
    onnx.save(joined, path)
