"""Perturb recordings as distribution does: lossy coding, another pitch.

Uses ffmpeg's encoder and filters through PyAV.
"""

import io
from fractions import Fraction

import av
import av.filter
import numpy as np
import numpy.typing as npt

Waveform = npt.NDArray[np.float32]

# Sample rates of MP3.
_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_MP3_FRAME = 1152


def write_mp3(samples: Waveform, sample_rate: int, kbits: int, file: io.BytesIO | str) -> None:
    """Write an MP3 file.

    Args:
        samples: ``(samples,)`` float32 within -1 to 1; values beyond are clipped.
        sample_rate: Sample rate in Hz; if MP3 does not support it, the next higher one is used.
        kbits: Bitrate in kbit/s.
        file: Name of the file, or a buffer.
    """
    rate = next((one for one in _MP3_RATES if one >= sample_rate), _MP3_RATES[-1])
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate, layout="mono")
        stream.bit_rate = kbits * 1000
        frame = _frame(np.clip(samples, -1, 1), sample_rate)
        resampler = av.AudioResampler("s16p", "mono", rate, frame_size=_MP3_FRAME)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def mp3_round_trip(samples: Waveform, sample_rate: int, kbits: int) -> Waveform:
    """Encode and decode samples as MP3.

    Args:
        samples: ``(samples,)`` float32 within -1 to 1.
        sample_rate: Sample rate in Hz.
        kbits: Bitrate in kbit/s.

    Returns:
        Float32 samples of about the same number at the same rate.
    """
    buffer = io.BytesIO()
    write_mp3(samples, sample_rate, kbits, buffer)
    buffer.seek(0)
    resampler = av.AudioResampler("flt", "mono", sample_rate)
    parts: list[Waveform] = []
    with av.open(buffer, "r", format="mp3") as container:
        for frame in container.decode(audio=0):
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        parts += [part.to_ndarray()[0] for part in resampler.resample(None) if part.samples]
    return np.concatenate(parts)


def shift_pitch(samples: Waveform, sample_rate: int, semitones: float) -> Waveform:
    """Shift the pitch of samples, at the same tempo.

    The samples are resampled, which shifts the pitch, and stretched back in time.

    Args:
        samples: ``(samples,)`` float32.
        sample_rate: Sample rate in Hz.
        semitones: Shift up, or down if negative; at most an octave.

    Returns:
        Float32 samples of about the same number at the same rate.

    Raises:
        ValueError: The shift exceeds an octave.
    """
    if not -12 <= semitones <= 12:
        raise ValueError(f"pitch can be moved by an octave, not by {semitones:g} semitones")
    speed = 2 ** (semitones / 12)
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        format="flt", sample_rate=sample_rate, layout="mono", time_base=Fraction(1, sample_rate)
    )
    chain = [
        source,
        graph.add("asetrate", str(round(sample_rate * speed))),
        graph.add("aresample", str(sample_rate)),
        graph.add("atempo", f"{1 / speed:.6f}"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*chain)
    graph.configure()
    graph.push(_frame(samples, sample_rate))
    graph.push(None)
    parts: list[Waveform] = []
    while True:
        try:
            frame = graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            break
        if isinstance(frame, av.AudioFrame):
            parts.append(frame.to_ndarray()[0].astype(np.float32, copy=False))
    return np.concatenate(parts)


def _frame(samples: Waveform, sample_rate: int) -> av.AudioFrame:
    row = np.ascontiguousarray(samples, np.float32)[None]
    frame = av.AudioFrame.from_ndarray(row, format="flt", layout="mono")
    frame.sample_rate, frame.pts = sample_rate, 0
    return frame
