"""Embed waveforms in memory, for programs that have arrays instead of files."""

import struct
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tunespace.models.joint_model import JointModel
from tunespace.models.model import AudioEmbedding

_FLOAT = 3


def write_waveform(path: Path, samples: npt.ArrayLike, rate: int) -> None:
    """Write a WAV file of 32-bit floats, which is lossless.

    Args:
        path: Path of the file.
        samples: ``(samples,)`` or ``(channels, samples)``, between -1 and 1.
        rate: Sample rate in Hz.
    """
    rows = np.atleast_2d(np.asarray(samples, np.float32))
    data = rows.T.astype("<f4").tobytes()
    width = 4 * len(rows)
    form = struct.pack("<HHIIHH", _FLOAT, len(rows), rate, rate * width, width, 32)
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVE")
        file.write(b"fmt " + struct.pack("<I", len(form)) + form)
        file.write(b"data" + struct.pack("<I", len(data)) + data)


def embed_waveform(model: JointModel, samples: npt.ArrayLike, rate: int) -> AudioEmbedding:
    """Embed samples, exactly as a file with these samples.

    Args:
        model: Model.
        samples: ``(samples,)`` or ``(channels, samples)``, between -1 and 1.
        rate: Sample rate in Hz.

    Raises:
        AudioError: There are no samples.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.wav"
        write_waveform(path, samples, rate)
        return model.embed_file(path)
