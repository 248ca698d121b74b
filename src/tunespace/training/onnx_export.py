"""Export networks as ONNX graphs."""

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
    """Write a network as ONNX with one output, ``point``.

    Args:
        network: Network whose arguments have the names of the inputs.
        path: Path of the file.
        inputs: Example inputs; all different tensors, since equal ones would become one input.
        shapes: Dynamic axes.
    """
    # The exporter warns of optional packages.
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
    """Write a graph with a network appended to its only output.

    Args:
        graph: Graph of the existing tower.
        head: Network to append.
        rows: ``(batch, width)``, example output of the graph.
        path: Path of the file.

    Raises:
        TrainingError: The graph cannot be joined with another.
    """
    behind = path.with_suffix(".head.onnx")
    export_onnx(head, behind, {"features": rows}, {"features": {0: torch.export.Dim("batch")}})
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
        ends = [(tower.graph.output[0].name, "head.features")]
        joined = onnx.compose.merge_models(tower, follows, io_map=ends)
    except (ValueError, RuntimeError, onnx.checker.ValidationError) as error:
        raise TrainingError(f"{graph} cannot be joined with the trained head ({error})") from error
    onnx.save(joined, path)
