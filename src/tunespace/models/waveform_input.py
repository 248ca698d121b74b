"""Listening to samples in memory, for programs that hand over arrays instead of files."""

import struct
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tunespace.models.joint_model import JointModel
from tunespace.models.model import AudioEmbedding

_FLOAT = 3


def write_waveform(path: Path, samples: npt.ArrayLike, rate: int) -> None:
    """Writes a WAV file of 32-bit floats, which loses nothing.

    Args:
        path: Of the file.
        samples: ``(samples,)`` or ``(channels, samples)``, between -1 and 1.
        rate: In Hz.
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
    """Places samples in the space, exactly as a file of them.

    Args:
        model: Of the space.
        samples: ``(samples,)`` or ``(channels, samples)``, between -1 and 1.
        rate: In Hz.

    Raises:
        AudioError: There are none.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.wav"
        write_waveform(path, samples, rate)
        return model.embed_file(path)
