"""Peaks of a waveform, to draw it."""

from os import PathLike

import numpy as np

from tunespace.audio.decoding import decode_blocks

_SAMPLE_RATE = 8000
_MAX_SECONDS = 6 * 3600.0


def waveform_peaks(path: str | PathLike[str], seconds: float, points: int) -> list[float]:
    """Return the peaks of a file.

    Args:
        path: Audio file.
        seconds: Its length in seconds.
        points: Number of peaks.

    Returns:
        ``points`` peaks, 0 to 1, each of an equal part of the length.

    Raises:
        AudioError: The file cannot be read.
    """
    peaks = np.zeros(points, np.float32)
    total = max(1, round(seconds * _SAMPLE_RATE))
    at = 0
    for block in decode_blocks(path, _SAMPLE_RATE, duration=_MAX_SECONDS):
        columns = np.minimum((at + np.arange(len(block))) * points // total, points - 1)
        np.maximum.at(peaks, columns, np.abs(block))
        at += len(block)
    return [round(float(peak), 3) for peak in np.minimum(peaks, 1.0)]
