"""Networks as ONNX graphs."""

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def write_graph(
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
