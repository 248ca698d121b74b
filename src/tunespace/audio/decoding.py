"""Decode audio files of any common format to mono float32 at a given sample rate.

PyAV decodes and resamples: it is fast on every format and ships its own ffmpeg.

Conventions:
    Mono is the mean of the channels in any layout, so it never exceeds the loudest channel.
    Damaged parts are left out and the rest is kept: decoding fails only if nothing is left.
"""

import errno
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.error import EOFError as EndOfFileError
from av.error import FFmpegError, InvalidDataError

from tunespace.audio.archives import open_member, split_member_path
from tunespace.audio.containers import ogg_links, wav_padding_patch
from tunespace.audio.file_window import FileWindow
from tunespace.errors import AudioError

Waveform = npt.NDArray[np.float32]

# Small frames are merged before they reach Python: a Vorbis frame can hold 64 samples.
_GATHERED_SAMPLES = 1 << 16
# Playlist formats, which refer to other files or to the network.
_POINTERS = frozenset(
    {"concat", "dash", "hls", "imf", "lavfi", "rtp", "rtsp", "sap", "sdp", "webm_dash_manifest"}
)
# Errors of the system that say nothing about the content of a file.
_TRANSIENT = {
    errno.EACCES,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOENT,
    errno.EPERM,
    errno.ESTALE,
}
_READ = {
    "format_whitelist": ",".join(sorted(av.formats_available - _POINTERS)),
    "protocol_whitelist": "file",
}
# Beyond any real recording (+18 dB); larger values are damage and would overflow a spectrum.
_LARGEST_SAMPLE = 8.0
# No music is stored below it, and a few bytes would be hours of samples.
_LOWEST_SAMPLE_RATE = 1000


def decode(
    path: str | PathLike[str],
    sample_rate: int,
    *,
    start: float = 0.0,
    duration: float | None = None,
) -> Waveform:
    """Decode a file, or a part of it.

    Args:
        path: Path of a file with an audio stream.
        sample_rate: Sample rate of the result in Hz.
        start: Start in seconds.
        duration: Length in seconds; None for the rest of the file. A part beyond the end is
            shorter.

    Returns:
        ``(samples,)`` float32, finite, nominally within -1 to 1.

    Raises:
        AudioError: The file contains no readable audio; ``reason`` states the cause.
        ValueError: ``sample_rate`` is not positive.

    Examples:
        >>> decode("song.wav", 16_000, duration=2.0).shape
        (32000,)
    """
    blocks = decode_blocks(path, sample_rate, start=start, duration=duration)
    return np.concatenate(list(blocks))


def decode_blocks(
    path: str | PathLike[str],
    sample_rate: int,
    *,
    start: float = 0.0,
    duration: float | None = None,
) -> Iterator[Waveform]:
    """Decode a file in blocks, so that hours need no more memory than minutes.

    Args:
        path: Path of a file with an audio stream.
        sample_rate: Sample rate of the result in Hz.
        start: Start in seconds. The part before it is decoded too: few formats can be entered
            exactly in the middle.
        duration: Length in seconds; None for the rest of the file.

    Yields:
        ``(samples,)`` float32 blocks of about one second, never empty; joined they equal
        ``decode``.

    Raises:
        AudioError: The file contains no readable audio; ``reason`` states the cause.
        ValueError: ``sample_rate`` or ``duration`` is not positive, or ``start`` is negative.

    Examples:
        >>> sum(len(block) for block in decode_blocks("song.wav", 16_000))
        80000
    """
    if sample_rate <= 0:
        raise ValueError(f"sample_rate must be positive, not {sample_rate}")
    if not start >= 0 or not (duration is None or duration > 0):
        raise ValueError(f"invalid part of a file: start {start} s, duration {duration} s")
    file = Path(path)
    decoded = False
    with converting(file):
        blocks = _resampled(_gathered(decode_frames(file)), sample_rate)
        for block in _stretch(blocks, sample_rate, start, duration):
            decoded = True
            yield block
    if not decoded:
        beyond = f" after {start:g} s" if start else ""
        raise AudioError(file, f"contains no audio that can be decoded{beyond}")


@contextmanager
def converting(file: Path) -> Iterator[None]:
    """Raise an ``AudioError`` for samples that cannot be converted, such as of an absurd rate."""
    try:
        yield
    except FFmpegError as error:
        raise AudioError(file, f"cannot be converted ({error.strerror})") from error


@contextmanager
def open_container(
    file: Path, part: tuple[int, int] | None = None
) -> Iterator[tuple[av.container.InputContainer, av.AudioStream]]:
    """Open a file and its audio stream.

    Args:
        file: Path of the file.
        part: Offset and length in bytes of a part that is a container by itself; None for the file.

    Raises:
        AudioError: The file contains no readable audio, raised within the block as well.
    """
    try:
        # Tags that are not UTF-8 must not prevent decoding.
        with (
            _source(file, part) as source,
            av.open(source, options=_READ, metadata_errors="replace") as container,
        ):
            stream = container.streams.best("audio")
            if not isinstance(stream, av.AudioStream):
                raise AudioError(file, "contains no audio")
            # Without a decoder the stream has no properties, whatever its type says.
            if getattr(stream, "codec_context", None) is None:
                raise AudioError(file, "is encoded in a way that cannot be decoded")
            if 0 < stream.rate < _LOWEST_SAMPLE_RATE:
                raise AudioError(file, _too_low(stream.rate))
            yield container, stream
    except (InvalidDataError, EndOfFileError) as error:
        raise AudioError(file, "is not audio, or too damaged to be read") from error
    except MemoryError as error:  # PyAV's is an FFmpegError, too
        raise AudioError(file, "needs too much memory for its size") from error
    except FFmpegError as error:
        is_transient = isinstance(error, OSError) and error.errno in _TRANSIENT
        reason = f"cannot be read as audio ({error.strerror})"
        raise AudioError(file, reason, is_transient=is_transient) from error


@contextmanager
def _source(file: Path, part: tuple[int, int] | None) -> Iterator[Any]:
    """Return what ffmpeg reads: a path, or a file object for a part or a member of a container."""
    member = split_member_path(file)
    if member is None:
        _require_readable(file)
        patch = wav_padding_patch(file) if part is None else None
        if part is not None or patch is not None:
            start, size = part or (0, file.stat().st_size)
            with FileWindow(file, start, size, patch=patch) as window:
                yield window
            return
        # An absolute path cannot be mistaken for a protocol ("http:", "concat:").
        yield str(file.absolute())
        return
    try:
        source = open_member(*member)
    except KeyError as error:
        raise AudioError(file, f"is not in {member[0].name}") from error
    except OSError as error:
        raise AudioError(file, f"cannot be read ({error.strerror})", is_transient=True) from error
    with source:
        yield source


def _stretch(
    blocks: Iterator[Waveform], sample_rate: int, start: float, duration: float | None
) -> Iterator[Waveform]:
    """Yield the samples of a part of the stream."""
    first = round(start * sample_rate)
    stop = None if duration is None else first + max(1, round(duration * sample_rate))
    at = 0
    for block in blocks:
        if stop is not None and at >= stop:
            return
        part = block[max(0, first - at) : None if stop is None else stop - at]
        at += len(block)
        if len(part):
            yield part


def _require_readable(file: Path) -> None:
    """Raise a clear error for a file that the system refuses to open."""
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise AudioError(file, "is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(file, "is not a regular file")
        if status.st_size == 0:
            raise AudioError(file, "is empty")
        with file.open("rb"):
            pass
    except FileNotFoundError as error:
        raise AudioError(file, "does not exist", is_transient=True) from error
    except PermissionError as error:
        raise AudioError(file, "is not readable: permission denied", is_transient=True) from error
    except OSError as error:
        raise AudioError(file, f"cannot be read ({error.strerror})", is_transient=True) from error
    except ValueError as error:  # null byte in the name
        raise AudioError(file, "is not a valid file name") from error


def decode_frames(file: Path) -> Iterator[av.AudioFrame]:
    """Yield every frame of a file with samples; packets that cannot be decoded are left out.

    Raises:
        AudioError: The file contains no readable audio.
    """
    for part in _parts(file):
        try:
            with open_container(file, part) as (container, stream):
                yield from _decoded(container, stream)
        except AudioError as error:
            if part is None or error.is_transient:
                raise


def _parts(file: Path) -> Sequence[tuple[int, int] | None]:
    """Return the parts of a file that are containers by themselves; None for the whole file."""
    if split_member_path(file) is None:
        _require_readable(file)  # opening a pipe would wait for ever
        with suppress(OSError, ValueError):
            if links := ogg_links(file):
                return links
    return [None]


def _decoded(
    container: av.container.InputContainer, stream: av.AudioStream
) -> Iterator[av.AudioFrame]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except MemoryError:
            raise
        except (StopIteration, FFmpegError):  # end of the file, or damage that no reader gets past
            return
        try:
            for frame in packet.decode():
                if 0 < frame.sample_rate < _LOWEST_SAMPLE_RATE:
                    raise AudioError(Path(container.name), _too_low(frame.sample_rate))
                if frame.samples:
                    yield frame
        except MemoryError:
            raise
        except FFmpegError:
            continue


def _too_low(sample_rate: int) -> str:
    return f"has a sample rate of {sample_rate} Hz: less than {_LOWEST_SAMPLE_RATE} Hz"


def _gathered(frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    """Merge frames of the same format, channels and rate into large ones."""
    for _, alike in groupby(frames, lambda f: (f.format.name, f.layout.name, f.sample_rate)):
        fifo = av.AudioFifo()
        for frame in alike:
            frame.pts = None  # a gap in the time stamps is no reason to drop the samples
            fifo.write(frame)
            if fifo.samples >= _GATHERED_SAMPLES:
                yield from _rest(fifo)
        yield from _rest(fifo)


def _rest(fifo: av.AudioFifo) -> Iterator[av.AudioFrame]:
    """Return the remaining samples of a FIFO as one frame; None if it is empty."""
    frame = fifo.read()
    if frame is not None:
        yield frame


def _resampled(frames: Iterator[av.AudioFrame], sample_rate: int) -> Iterator[Waveform]:
    """Resample frames to mono; one resampler is used as long as the source rate stays the same."""
    for _, alike in groupby(frames, lambda frame: frame.sample_rate):
        resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
        for frame in alike:
            yield from _blocks(resampler.resample(_mono(frame)))
        yield from _blocks(resampler.resample(None))


def _mono(frame: av.AudioFrame) -> av.AudioFrame:
    """Return the mean of the channels as a frame of one float32 channel, finite and bounded."""
    # Interleaved, since PyAV cannot return eight or more planes.
    to_float = av.AudioResampler(format="flt", layout=frame.layout, rate=frame.sample_rate)
    parts = [part.to_ndarray()[0] for part in to_float.resample(frame)]
    channels = frame.layout.nb_channels
    # A product: numpy's mean over so short an axis takes longer than decoding.
    samples = np.concatenate(parts).reshape(-1, channels) @ np.full(
        channels, 1 / channels, np.float32
    )
    if not np.abs(samples).max() <= _LARGEST_SAMPLE:  # true for NaN as well
        np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        np.clip(samples, -_LARGEST_SAMPLE, _LARGEST_SAMPLE, out=samples)
    mono = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    mono.sample_rate = frame.sample_rate
    return mono


def _blocks(frames: list[av.AudioFrame]) -> Iterator[Waveform]:
    for frame in frames:
        if frame.samples:
            yield frame.to_ndarray()[0]
