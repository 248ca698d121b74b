"""Export the student as the audio tower of a model folder."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tunespace.training.bundled.distillation.student import Student
from tunespace.training.onnx_export import export_onnx


class _AudioTower(nn.Module):
    """Student and the linear map from its outputs to the joint space."""

    weights: torch.Tensor
    intercept: torch.Tensor

    def __init__(
        self,
        student: Student,
        weights: npt.NDArray[np.float32],
        intercept: npt.NDArray[np.float32],
    ) -> None:
        super().__init__()
        self.student = student
        self.register_buffer("weights", torch.from_numpy(weights))
        self.register_buffer("intercept", torch.from_numpy(intercept))

    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        embedding: torch.Tensor = self.student(log_mel) @ self.weights + self.intercept
        return embedding


def export_audio_tower(
    student: Student,
    weights: npt.NDArray[np.float32],
    intercept: npt.NDArray[np.float32],
    window: int,
    n_mels: int,
    path: Path,
) -> None:
    """Write ``audio.onnx``: ``log_mel (batch, window, n_mels)`` to ``(batch, dim)``, float32.

    Args:
        student: Trained student in evaluation mode.
        weights: ``(outputs, dim)`` float32, from its outputs to the space.
        intercept: ``(dim,)`` float32.
        window: Number of frames of its input.
        n_mels: Number of bands of its input.
        path: Path of the file.
    """
    example = torch.zeros(2, window, n_mels)
    export_onnx(
        _AudioTower(student, weights, intercept),
        path,
        {"log_mel": example},
        {"log_mel": {0: torch.export.Dim("batch")}},
    )
