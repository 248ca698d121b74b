import struct
from pathlib import Path

import numpy as np
import pytest

import sounds
from tunespace.audio import decode
from tunespace.audio.containers import ogg_links, wav_padding_patch
from tunespace.audio.transcode import transcode_to_flac

RATE = 16_000
VORBIS = sounds.BY_SUFFIX["ogg"]


def link(path: Path, seconds: float, rate: int, hertz: float, codec: str = "vorbis") -> bytes:
    options = VORBIS.options if codec == "vorbis" else ()
    samples = sounds.tone(seconds, rate, hertz)[None].repeat(2, axis=0)
    return sounds.write(path, samples, rate, codec, options=options).read_bytes()


def loudest_frequency(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax() * RATE / len(samples))


@pytest.mark.parametrize("rates", [(48_000, 44_100), (44_100, 44_100), (22_050, 48_000)])
def test_every_link_of_a_chained_ogg_is_decoded(rates: tuple[int, int], tmp_path: Path) -> None:
    first = link(tmp_path / "a.ogg", 3.0, rates[0], 300.0)
    second = link(tmp_path / "b.ogg", 4.0, rates[1], 1000.0)
    chained = tmp_path / "chained.ogg"
    chained.write_bytes(first + second)
    assert ogg_links(chained) == [(0, len(first)), (len(first), len(second))]
    samples = decode(chained, RATE)
    assert len(samples) / RATE == pytest.approx(7.0, abs=0.1)
    assert loudest_frequency(samples[: 3 * RATE]) == pytest.approx(300, abs=3)
    assert loudest_frequency(samples[3 * RATE + 2000 :]) == pytest.approx(1000, abs=3)
    transcode_to_flac(chained, tmp_path / "out.flac")
    assert len(decode(tmp_path / "out.flac", RATE)) / RATE == pytest.approx(7.0, abs=0.1)


def test_a_damaged_link_is_left_out(tmp_path: Path) -> None:
    first = link(tmp_path / "a.ogg", 2.0, 48_000, 300.0)
    second = bytearray(link(tmp_path / "b.ogg", 2.0, 44_100, 1000.0))
    second[200:4000] = bytes(3800)
    third = link(tmp_path / "c.ogg", 2.0, 44_100, 500.0)
    chained = tmp_path / "chained.ogg"
    chained.write_bytes(first + bytes(second) + third)
    samples = decode(chained, RATE)
    assert len(samples) / RATE >= 3.9
    assert loudest_frequency(samples[-RATE:]) == pytest.approx(500, abs=5)


def test_an_ogg_of_one_link_is_read_as_a_file(tmp_path: Path) -> None:
    link(tmp_path / "a.ogg", 1.0, 48_000, 300.0)
    assert ogg_links(tmp_path / "a.ogg") == []
    sounds.wav(tmp_path / "a.wav", sounds.tone(0.1, RATE))
    assert ogg_links(tmp_path / "a.wav") == []


def extensible(path: Path, samples: np.ndarray, container: int, valid: int) -> Path:
    """Write 16-bit WAVE_EXTENSIBLE with samples at the top of their containers."""
    kind = b"\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    size = container // 8
    form = struct.pack("<HHIIHH", 0xFFFE, 1, RATE, RATE * size, size, container)
    form += struct.pack("<HHI", 22, valid, 4) + kind
    scaled = np.round(samples * (2 ** (valid - 1) - 1)).astype(np.int64) << (container - valid)
    data = b"".join(int(x).to_bytes(size, "little", signed=True) for x in scaled)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


@pytest.mark.parametrize(("container", "valid"), [(32, 24), (32, 20), (24, 20), (32, 32), (24, 24)])
def test_padded_samples_of_a_wav_are_decoded(container: int, valid: int, tmp_path: Path) -> None:
    samples = sounds.tone(1.0, RATE)
    path = extensible(tmp_path / "a.wav", samples, container, valid)
    assert (wav_padding_patch(path) is not None) == (container != valid)
    np.testing.assert_allclose(decode(path, RATE), samples, atol=1e-4)
