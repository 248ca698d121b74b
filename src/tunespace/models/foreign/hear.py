"""The API of HEAR 2021 (Turian et al. 2022), so that its benchmarks run any model of ours.

As the module that its programs take, here with the bundled model::

    hear-validator tunespace.models.foreign.hear
    python -m heareval.embeddings.runner tunespace.models.foreign.hear --model FOLDER

A scene is heard as a track is. A moment is what the model hears in the second around it; there is
one every 50 ms, as HEAR asks for, which does not make a model of whole tracks find the onset of a
note.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tunespace.models.joint_model import JointModel, load_joint_model
from tunespace.models.waveform_input import embed_waveform, write_waveform

_CONTEXT_SECONDS = 1.0


class HearModel(nn.Module):
    """A model as HEAR's programs handle it.

    Attributes:
        sample_rate: What they have to hand over, in Hz; each model makes of it what it hears.
        scene_embedding_size: Of the space.
        timestamp_embedding_size: The same.
        hop: Between moments, in milliseconds.
    """

    sample_rate = 48_000

    def __init__(self, model: JointModel, hop: float) -> None:
        """Wraps a model."""
        super().__init__()
        self.model = model
        self.hop = hop
        self.scene_embedding_size = self.timestamp_embedding_size = model.dim


def load_model(model_file_path: str = "", hop_ms: float = 50.0) -> HearModel:
    """A model.

    Args:
        model_file_path: A bundled name, a folder, or ``hf:owner/name``; the default without.
        hop_ms: Between moments.

    Raises:
        ModelError: There is none, or it cannot be used; says why.
        ValueError: The hop is not possible.
    """
    if not hop_ms > 0:
        raise ValueError(f"moments cannot be {hop_ms} ms apart")
    return HearModel(load_joint_model(model_file_path or None), hop_ms)


def get_scene_embeddings(audio: Tensor, model: HearModel) -> Tensor:
    """Each sound as a point.

    Args:
        audio: ``(sounds, samples)``, between -1 and 1.
        model: From ``load_model``.

    Returns:
        ``(sounds, dim)`` float32, unit rows.
    """
    rows = [
        embed_waveform(model.model, sound, model.sample_rate).vector
        for sound in audio.cpu().numpy()
    ]
    return torch.from_numpy(np.stack(rows)).to(audio.device)


def get_timestamp_embeddings(audio: Tensor, model: HearModel) -> tuple[Tensor, Tensor]:
    """Moments of each sound as points.

    Args:
        audio: ``(sounds, samples)``, between -1 and 1.
        model: From ``load_model``.

    Returns:
        ``(sounds, moments, dim)`` float32, unit rows, and ``(sounds, moments)``: when they are, in
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
            found = [
                model.model.embed_file(path, start=float(start), duration=_CONTEXT_SECONDS).vector
                for start in starts
            ]
            rows.append(np.stack(found))
    times = torch.from_numpy(np.tile(moments, (len(audio), 1)).astype(np.float32))
    return torch.from_numpy(np.stack(rows)).to(audio.device), times.to(audio.device)
