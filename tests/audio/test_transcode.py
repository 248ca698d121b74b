"""Transcoded files keep the sound, in a format that every browser plays."""

from pathlib import Path

import av
import numpy as np
import pytest

import sounds
from tunespace.audio.transcode import transcode_to_flac
from tunespace.errors import AudioError


def read(path: Path) -> tuple[av.AudioStream, sounds.Samples]:
    """The sound of a file as PyAV gives it, ``(channels, samples)``."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        to_float = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
        frames = [part for frame in container.decode(stream) for part in to_float.resample(frame)]
    return stream, np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


@pytest.mark.parametrize("kind", sounds.FORMATS, ids=lambda kind: kind.suffix)
def test_every_format_becomes_flac_that_sounds_the_same(
    kind: sounds.Format, tmp_path: Path
) -> None:
    samples = np.stack([sounds.tone(2.0, kind.rate, 440.0), sounds.tone(2.0, kind.rate, 660.0)])
    file = sounds.write(
        tmp_path / f"a.{kind.suffix}", samples, kind.rate, kind.codec, options=kind.options
    )

    transcode_to_flac(file, tmp_path / "b.flac")

    stream, decoded = read(tmp_path / "b.flac")
    assert (stream.codec_context.name, stream.rate) == ("flac", kind.rate)
    np.testing.assert_allclose(decoded, read(file)[1], atol=2.0**-15)


def test_high_sample_rates_are_reduced(tmp_path: Path) -> None:
    samples = np.stack([sounds.tone(1.0, 192_000, 440.0)] * 6)
    file = sounds.write(tmp_path / "a.wav", samples, 192_000, "pcm_s24le", layout="5.1")

    transcode_to_flac(file, tmp_path / "b.flac")

    stream, decoded = read(tmp_path / "b.flac")
    assert (stream.rate, stream.layout.name, decoded.shape) == (48_000, "stereo", (2, 48_000))
    assert np.corrcoef(decoded[0], sounds.tone(1.0, 48_000, 440.0))[0, 1] > 0.999


@pytest.mark.parametrize(("before", "after"), [(88_200, 44_100), (176_400, 44_100), (8000, 8000)])
def test_rates_are_kept_or_divided(before: int, after: int, tmp_path: Path) -> None:
    samples = sounds.tone(1.0, before, 440.0)[None]
    file = sounds.write(tmp_path / "a.wav", samples, before, "pcm_s16le")

    transcode_to_flac(file, tmp_path / "b.flac")

    stream, decoded = read(tmp_path / "b.flac")
    assert (stream.rate, decoded.shape) == (after, (1, after))


def test_audio_that_changes_its_format_is_joined(tmp_path: Path) -> None:
    parts = [
        sounds.write(tmp_path / f"{rate}.mp3", sounds.tone(1.0, rate)[None], rate, "libmp3lame")
        for rate in (44_100, 22_050)
    ]
    (tmp_path / "a.mp3").write_bytes(b"".join(part.read_bytes() for part in parts))

    transcode_to_flac(tmp_path / "a.mp3", tmp_path / "b.flac")

    stream, decoded = read(tmp_path / "b.flac")
    assert abs(decoded.shape[1] / stream.rate - 2.0) < 0.15


def test_a_file_without_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.aiff").write_bytes(b"no sound")
    with pytest.raises(AudioError, match="not audio"):
        transcode_to_flac(tmp_path / "a.aiff", tmp_path / "b.flac")
