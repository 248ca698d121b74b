"""API of HEAR 2021 (Turian et al. 2022), so that its benchmarks run any model.

As the module that its programs load, here with the bundled model::

    hear-validator tunespace.models.foreign.hear
    python -m heareval.embeddings.runner tunespace.models.foreign.hear --model FOLDER

A scene is embedded like a track. A timestamp embedding covers one second around it, one every 50 ms
as HEAR requires; that does not enable a model of whole tracks to detect the onset of a note.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tunespace.models.foreign.load import load_joint_model
from tunespace.models.joint_model import JointModel
from tunespace.models.waveform_input import embed_waveform, write_waveform

_CONTEXT_SECONDS = 1.0


class HearModel(nn.Module):
    """Model in the form that HEAR's programs use.

    Attributes:
        sample_rate: Sample rate of the input in Hz; each model resamples it to its own.
        scene_embedding_size: Dimension of the embedding space.
        timestamp_embedding_size: Dimension of the embedding space.
        hop: Distance between timestamps, in milliseconds.
    """

    sample_rate = 48_000

    def __init__(self, model: JointModel, hop: float) -> None:
        """Wrap a model."""
        super().__init__()
        self.model = model
        self.hop = hop
        self.scene_embedding_size = self.timestamp_embedding_size = model.dim


def load_model(model_file_path: str = "", hop_ms: float = 50.0) -> HearModel:
    """Load a model.

    Args:
        model_file_path: Name of a bundled model, folder, or ``hf:owner/name``; empty for the
            default.
        hop_ms: Distance between timestamps, in milliseconds.

    Raises:
        ModelError: The model does not exist or cannot be used.
        ValueError: ``hop_ms`` is not positive.
    """
    if not hop_ms > 0:
        raise ValueError(f"hop_ms must be positive, not {hop_ms}")
    return HearModel(load_joint_model(model_file_path or None), hop_ms)


def get_scene_embeddings(audio: Tensor, model: HearModel) -> Tensor:
    """Embed sounds.

    Args:
        audio: ``(sounds, samples)``, between -1 and 1.
        model: Model of ``load_model``.

    Returns:
        ``(sounds, dim)`` float32, unit rows.
    """
    rows = [
        embed_waveform(model.model, sound, model.sample_rate).vector
        for sound in audio.cpu().numpy()
    ]
    return torch.from_numpy(np.stack(rows)).to(audio.device)


def get_timestamp_embeddings(audio: Tensor, model: HearModel) -> tuple[Tensor, Tensor]:
    """Embed timestamps of sounds.

    Args:
        audio: ``(sounds, samples)``, between -1 and 1.
        model: Model of ``load_model``.

    Returns:
        ``(sounds, timestamps, dim)`` float32, unit rows, and ``(sounds, timestamps)`` in
        milliseconds.
    """
    length = audio.shape[1] / model.sample_rate
    moments = np.arange(0.0, length * 1000, model.hop)
    starts = np.clip(moments / 1000 - _CONTEXT_SECONDS / 2, 0, max(length - _CONTEXT_SECONDS, 0))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        for sound in audio.cpu().numpy():
            write_waveform(path, sound, model.sample_rate)
            windows = [
                model.model.embed_file(path, start=float(start), duration=_CONTEXT_SECONDS).vector
                for start in starts
            ]
            rows.append(np.stack(windows))
    times = torch.from_numpy(np.tile(moments, (len(audio), 1)).astype(np.float32))
    return torch.from_numpy(np.stack(rows)).to(audio.device), times.to(audio.device)
