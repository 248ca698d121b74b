"""Small real audio files, made by the tests: sine waves in every format a collection holds."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Format:
    """Encoding of a file suffix, and the tolerance of its decoded samples."""

    suffix: str
    codec: str
    rate: int = 44_100
    options: tuple[tuple[str, str], ...] = ()
    # Largest error in seconds of the length, and smallest correlation of the sound.
    slack: float = 0.0
    likeness: float = 0.9999


FORMATS = [
    Format("mp3", "libmp3lame", slack=0.06, likeness=0.999),
    Format("flac", "flac"),
    Format("ogg", "vorbis", options=(("strict", "experimental"),), slack=0.06, likeness=0.98),
    Format("opus", "libopus", rate=48_000, slack=0.03, likeness=0.99),
    Format("m4a", "aac", slack=0.06, likeness=0.999),
    Format("wav", "pcm_s16le"),
    Format("aiff", "pcm_s16be"),
]
BY_SUFFIX = {kind.suffix: kind for kind in FORMATS}


def tone(seconds: float, rate: int, hertz: float = 440.0, level: float = 0.4) -> Samples:
    """A sine wave that swells and fades, ``(samples,)``: its loudness tells where one is in it."""
    time = np.arange(round(seconds * rate)) / rate
    swell = np.sin(np.pi * time / max(seconds, 1 / rate)) ** 2
    return (level * swell * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def write(
    path: Path,
    channels: Samples,
    rate: int,
    codec: str,
    *,
    layout: str | None = None,
    tags: dict[str, str] | None = None,
    options: tuple[tuple[str, str], ...] = (),
) -> Path:
    """Encodes ``(channels, samples)`` float32 in -1..1."""
    layout = layout or {1: "mono", 2: "stereo"}[len(channels)]
    with av.open(str(path), "w") as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(codec, rate=rate, options=dict(options))
        assert isinstance(stream, av.AudioStream)
        stream.layout = layout
        interleaved = np.ascontiguousarray(channels.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate = rate
        frame.pts = 0
        size = None if codec.startswith("pcm_") else stream.frame_size or 1024
        resampler = av.AudioResampler(stream.format, layout, rate, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def wav(path: Path, samples: Samples, rate: int = 16_000) -> Path:
    """Writes ``(samples,)`` float32 as it is."""
    return write(path, samples[None], rate, "pcm_f32le")


def write_as(
    folder: Path, kind: Format, seconds: float = 3.0, tags: dict[str, str] | None = None
) -> Path:
    """A stereo tone of 440 Hz in the format ``kind``."""
    mono = tone(seconds, kind.rate)
    return write(
        folder / f"tone.{kind.suffix}",
        np.stack([mono, mono]),
        kind.rate,
        kind.codec,
        tags=tags,
        options=kind.options,
    )


def write_noise(path: Path, low: float, high: float, seconds: float = 2.0, seed: int = 0) -> Path:
    """Write noise whose spectrum has one level below and another above 2 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.standard_normal(round(seconds * 16_000)))
    hertz = np.fft.rfftfreq(round(seconds * 16_000), 1 / 16_000)
    spectrum *= np.where(hertz < 2000, low, high)
    samples = np.fft.irfft(spectrum)
    return wav(path, (0.1 * samples).astype(np.float32))


def wav_header(rate: int, size: int) -> bytes:
    """Return the header of a WAV file with 8 bits, one channel and any sample rate."""
    form = struct.pack("<HHIIHH", 1, 1, rate, rate, 1, 8)
    riff = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<I", 16)
    return riff + form + b"data" + struct.pack("<I", size)


def mp3_with_compressed_frame(frame: bytes, size: int) -> bytes:
    """Return an MP3 file of silence whose ID3 tag has one frame that inflates to ``size`` bytes."""

    def seven_bits(number: int) -> bytes:
        return bytes((number >> shift) & 127 for shift in (21, 14, 7, 0))

    raw = b"\0image/jpeg\0\x03\0\xff\xd8\xff" if frame == b"APIC" else b"\0"
    packed = zlib.compress(raw + b"\0" * size, 9)
    length = seven_bits(min(len(raw) + size, 2**28 - 1))
    body = frame + seven_bits(len(packed) + 4) + b"\0\x09" + length + packed
    silence = (b"\xff\xfb\x90\x64" + b"\0" * 413) * 40
    return b"ID3\x04\0\0" + seven_bits(len(body)) + body + silence
