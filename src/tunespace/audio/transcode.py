"""Transcode audio files to FLAC, which every browser plays.

PyAV encodes 16 bits, at most 48 kHz and two channels: what is lost is inaudible on loudspeakers at
home.
"""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import av

from tunespace.audio.decoding import converting, decode_frames, open_container
from tunespace.errors import AudioError

_HIGHEST_RATE = 48_000


def transcode_to_flac(path: str | PathLike[str], target: str | PathLike[str]) -> None:
    """Transcode a file to FLAC with 16 bits, mono or stereo, at most 48 kHz.

    Args:
        path: Path of a file with an audio stream.
        target: Path of the file to write.

    Raises:
        AudioError: The file contains no readable audio; ``reason`` states the cause.
        OSError: The target cannot be written.
    """
    file = Path(path)
    with Path(target).open("wb") as written, av.open(written, "w", format="flac") as out:
        decoded = False
        with open_container(file) as (_, source):
            rate = _rate(source.rate or _HIGHEST_RATE)
            layout = "mono" if source.channels == 1 else "stereo"
        stream = out.add_stream("flac", rate=rate)
        stream.layout, stream.format = layout, "s16"
        with converting(file):
            for frame in _alike(decode_frames(file), layout, rate):
                decoded = True
                out.mux(stream.encode(frame))
        if not decoded:
            raise AudioError(file, "contains no audio that can be decoded")
        out.mux(stream.encode(None))


def _rate(rate: int) -> int:
    """Return a sample rate, or the highest supported rate that divides it."""
    while rate > _HIGHEST_RATE and rate % 2 == 0:
        rate //= 2
    return min(rate, _HIGHEST_RATE)


def _alike(frames: Iterator[av.AudioFrame], layout: str, rate: int) -> Iterator[av.AudioFrame]:
    """Convert frames to one format; the format of a file may change within it."""
    resampler: av.AudioResampler | None = None
    kind: tuple[str, str, int] | None = None
    for frame in frames:
        frame.pts = None  # a gap in the time stamps is no reason to drop the samples
        frame_kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or frame_kind != kind:
            yield from _rest(resampler)
            resampler, kind = av.AudioResampler(format="s16", layout=layout, rate=rate), frame_kind
        yield from resampler.resample(frame)
    yield from _rest(resampler)


def _rest(resampler: av.AudioResampler | None) -> Iterator[av.AudioFrame]:
    if resampler is not None:
        yield from (frame for frame in resampler.resample(None) if frame.samples)
