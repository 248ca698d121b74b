"""Any file as FLAC, which every browser plays: as it sounds, not as a tower reads it.

PyAV encodes; nothing of what is heard is lost but what no loudspeaker at home tells apart: more
than 16 bits, more than 48 kHz, more than two channels.
"""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import av

from tunespace.audio.decode import decode_frames, open_container
from tunespace.errors import AudioError

_HIGHEST_RATE = 48_000


def transcode_to_flac(path: str | PathLike[str], target: str | PathLike[str]) -> None:
    """Writes the sound of a file as FLAC of 16 bits, mono or stereo, at most 48 kHz.

    Args:
        path: A file that holds audio, alone or beside pictures.
        target: The file to write.

    Raises:
        AudioError: No audio can be read from the file; its ``reason`` says why.
        OSError: The target cannot be written.
    """
    file = Path(path)
    with Path(target).open("wb") as written, av.open(written, "w", format="flac") as out:
        heard = False
        with open_container(file) as (container, source):
            rate = _rate(source.rate or _HIGHEST_RATE)
            stream = out.add_stream("flac", rate=rate)
            stream.layout = "mono" if source.channels == 1 else "stereo"
            stream.format = "s16"
            for frame in _alike(decode_frames(container, source), stream.layout.name, rate):
                heard = True
                out.mux(stream.encode(frame))
        if not heard:
            raise AudioError(file, "holds no audio that can be decoded")
        out.mux(stream.encode(None))


def _rate(rate: int) -> int:
    """The rate, or the highest that is played and divides it without remainder."""
    while rate > _HIGHEST_RATE and rate % 2 == 0:
        rate //= 2
    return min(rate, _HIGHEST_RATE)


def _alike(frames: Iterator[av.AudioFrame], layout: str, rate: int) -> Iterator[av.AudioFrame]:
    """The sound in frames of one kind; a file may change its kind on the way."""
    resampler: av.AudioResampler | None = None
    kind: tuple[str, str, int] | None = None
    for frame in frames:
        frame.pts = None  # a gap in the time stamps is no reason to refuse the samples
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or found != kind:
            yield from _rest(resampler)
            resampler, kind = av.AudioResampler(format="s16", layout=layout, rate=rate), found
        yield from resampler.resample(frame)
    yield from _rest(resampler)


def _rest(resampler: av.AudioResampler | None) -> Iterator[av.AudioFrame]:
    if resampler is not None:
        yield from (frame for frame in resampler.resample(None) if frame.samples)
