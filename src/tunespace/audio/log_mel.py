"""Log-mel spectrograms: the front end that training and inference share.

Conventions:
    Time is the first axis, ``(frames, n_mels)``: a stream grows at its end, a window is a range of
    rows. Frame ``t`` is centred on sample ``t * hop``; the ends are padded by reflection, so
    ``samples`` samples give ``1 + samples // hop`` frames.
    Mel scale and filter normalisation follow Slaney (Auditory Toolbox, version 2, 1998) as in
    librosa, or HTK with filters of equal height as in torchaudio.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

# Frames that are transformed at once: their spectra stay in the CPU cache.
_FRAMES_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class LogMel:
    """Log-mel front end; equal parameters give equal values.

    ``10 * log10(mel @ |STFT|^2 + floor)``, clipped to ``min_db`` and ``max_db``, with a periodic
    Hann window of ``n_fft`` samples.

    Attributes:
        sample_rate: Sample rate of the waveform in Hz.
        n_fft: Length of the transform and of its window, in samples.
        hop: Distance between frames, in samples.
        n_mels: Number of mel bands.
        f_min: Lower edge of the lowest band, in Hz.
        f_max: Upper edge of the highest band, in Hz; at most half the sample rate.
        floor: Power added before the logarithm.
        min_db: Lowest value of the result, in dB.
        max_db: Highest value of the result, in dB.
        scale: ``slaney`` (filters of equal area) or ``htk`` (filters of equal height).

    Examples:
        >>> front_end = LogMel(
        ...     sample_rate=16000, n_fft=512, hop=256, n_mels=48, f_min=0, f_max=8000
        ... )
        >>> front_end(np.zeros(16000, np.float32)).shape
        (63, 48)
    """

    sample_rate: int = 16_000
    n_fft: int = 1024
    hop: int = 320
    n_mels: int = 64
    f_min: float = 30.0
    f_max: float = 8000.0
    floor: float = 1e-8
    min_db: float = -80.0
    max_db: float = 50.0
    scale: Literal["slaney", "htk"] = "slaney"

    def __post_init__(self) -> None:
        """Validate the parameters.

        Raises:
            ValueError: No spectrogram can have these parameters.
        """
        if self.sample_rate <= 0 or self.hop <= 0 or self.n_mels <= 0:
            raise ValueError("sample_rate, hop and n_mels must be positive")
        if self.n_fft < 2 or self.n_fft % 2:
            raise ValueError(f"n_fft must be even and positive, not {self.n_fft}")
        if not 0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            raise ValueError(
                f"0 <= f_min < f_max <= sample_rate / 2 must hold, not {self.f_min}, {self.f_max}"
            )
        if self.floor <= 0 or self.min_db >= self.max_db:
            raise ValueError("floor must be positive and min_db below max_db")
        if self.scale not in ("slaney", "htk"):
            raise ValueError(f"scale must be slaney or htk, not {self.scale!r}")

    def as_json(self) -> dict[str, Any]:
        """Compute the spectrogram of a whole waveform.

        Args:
            waveform: ``(samples,)`` float32, at least one sample.

        Returns:
            ``(1 + samples // hop, n_mels)`` float32, in dB.

        Raises:
            ValueError: The waveform is empty or not one-dimensional.
        """
        values = asdict(self)
        if self.scale == "slaney":
            del values["scale"]
        return values

    def __call__(self, waveform: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Compute the spectrogram of a whole waveform.

        Args:
            waveform: ``(samples,)`` float32, at least one sample.

        Returns:
            ``(1 + samples // hop, n_mels)`` float32, in dB.

        Raises:
            ValueError: The waveform is empty or not one-dimensional.
        """
        if waveform.ndim != 1 or waveform.size == 0:
            raise ValueError(f"waveform must have shape (samples,), not {waveform.shape}")
        return np.concatenate(list(self.stream([waveform])))

    def stream(
        self, blocks: Iterable[npt.NDArray[np.float32]]
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Compute the spectrogram of a waveform that arrives in blocks.

        Args:
            blocks: ``(samples,)`` float32 blocks, in order.

        Yields:
            ``(frames, n_mels)`` float32, in dB; joined they equal the spectrogram of the joined
            blocks. Nothing if there are no samples.
        """
        pending = np.empty(0, np.float32)
        for block in _padded_by_reflection(blocks, self.n_fft // 2):
            pending = np.concatenate([pending, block])
            frames = max(0, 1 + (pending.size - self.n_fft) // self.hop)
            for first in range(0, frames, _FRAMES_AT_ONCE):
                last = min(first + _FRAMES_AT_ONCE, frames)
                begin, end = first * self.hop, (last - 1) * self.hop + self.n_fft
                yield self._decibels(pending[begin:end])
            pending = pending[frames * self.hop :]

    def _decibels(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        frames = np.lib.stride_tricks.sliding_window_view(samples, self.n_fft)[:: self.hop]
        spectrum = np.fft.rfft(frames * self._window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        decibels = 10 * np.log10(power @ self.filters.T + np.float32(self.floor))
        np.clip(decibels, self.min_db, self.max_db, out=decibels)
        return decibels

    @cached_property
    def _window(self) -> npt.NDArray[np.float32]:
        phase = 2 * np.pi * np.arange(self.n_fft) / self.n_fft
        return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)

    @cached_property
    def filters(self) -> npt.NDArray[np.float32]:
        """Return triangular mel filters, ``(n_mels, n_fft // 2 + 1)`` float32."""
        bins = np.fft.rfftfreq(self.n_fft, 1 / self.sample_rate)
        if self.scale == "htk":
            edges = _htk_edges(self.f_min, self.f_max, self.n_mels + 2)
        else:
            mels = np.linspace(_hz_to_mel(self.f_min), _hz_to_mel(self.f_max), self.n_mels + 2)
            edges = _mel_to_hz(mels)
        lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
        rising = (bins - lower) / (centre - lower)
        falling = (upper - bins) / (upper - centre)
        triangles = np.maximum(0, np.minimum(rising, falling))
        height = 1.0 if self.scale == "htk" else 2 / (upper - lower)
        return (triangles * height).astype(np.float32)


def _padded_by_reflection(
    blocks: Iterable[npt.NDArray[np.float32]], pad: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the joined blocks with ``pad`` mirrored samples at both ends.

    Only ``pad + 1`` samples are buffered, which the reflection at the end may need.
    """
    held = np.empty(0, np.float32)
    begun = False
    for block in blocks:
        held = np.concatenate([held, block])
        if held.size <= 2 * pad + 1:
            continue
        if not begun:
            held = np.pad(held, (pad, 0), mode="reflect")
            begun = True
        yield held[: -pad - 1]
        held = held[-pad - 1 :]
    if begun:
        yield np.pad(held, (0, pad), mode="reflect")
    elif held.size:
        yield np.pad(held, pad, mode="reflect")


def _htk_edges(f_min: float, f_max: float, count: int) -> npt.NDArray[np.float64]:
    """Return band edges in Hz, equidistant on HTK's scale ``2595 log10(1 + f / 700)``."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (f_min, f_max))
    return np.asarray(700 * (10 ** (np.linspace(low, high, count) / 2595) - 1))


# Slaney's scale: linear up to 1 kHz (15 mel), then 27 steps of equal ratio up to 6.4 kHz.
_MEL_PER_HZ = 3 / 200
_BREAK_HZ = 1000.0
_BREAK_MEL = 15.0
_LOG_STEP = np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz * _MEL_PER_HZ
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def _mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    logarithmic = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel / _MEL_PER_HZ, logarithmic)
