import os
import pickle
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from sounds import BY_SUFFIX, FORMATS, Format, tone, wav, wav_header, write, write_as
from tunespace.audio import decode, decode_blocks
from tunespace.errors import AudioError

RATE = 16_000

each_format = pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.suffix)


def likeness(decoded: np.ndarray, meant: np.ndarray) -> float:
    """The best correlation over shifts of up to 0.1 s: codecs may delay the sound a little."""
    size = min(len(decoded), len(meant))
    decoded, meant = decoded[:size].astype(float), meant[:size].astype(float)
    spectrum = np.fft.rfft(decoded, 2 * size) * np.conj(np.fft.rfft(meant, 2 * size))
    shifts = np.fft.irfft(spectrum)
    reach = RATE // 10
    best = max(shifts[:reach].max(), shifts[-reach:].max())
    return float(best / (np.linalg.norm(decoded) * np.linalg.norm(meant)))


def reason(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        decode(path, RATE)
    assert caught.value.path == path
    assert "\n" not in str(caught.value)
    return caught.value.reason


@each_format
def test_every_format_gives_back_the_sound_that_was_written(tmp_path: Path, kind: Format) -> None:
    decoded = decode(write_as(tmp_path, kind), RATE)
    assert decoded.dtype == np.float32
    assert decoded.ndim == 1
    assert len(decoded) / RATE == pytest.approx(3.0, abs=kind.slack + 0.001)
    assert likeness(decoded, tone(3.0, RATE)) > kind.likeness
    assert np.abs(decoded).max() == pytest.approx(0.4, abs=0.03)


@each_format
def test_the_same_file_gives_the_same_samples(tmp_path: Path, kind: Format) -> None:
    file = write_as(tmp_path, kind)
    np.testing.assert_array_equal(decode(file, RATE), decode(file, RATE))


@each_format
def test_a_truncated_file_is_decoded_up_to_its_end(tmp_path: Path, kind: Format) -> None:
    file = write_as(tmp_path, kind, seconds=12)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    if kind.suffix == "m4a":  # its index stands at the end of the file
        assert reason(file) == "is not audio, or too damaged to be read"
    else:
        decoded = decode(file, RATE)
        assert 4 < len(decoded) / RATE < 8
        assert likeness(decoded, tone(12, RATE)[: len(decoded)]) > kind.likeness


@each_format
def test_a_file_with_flipped_bits_affects_only_itself(tmp_path: Path, kind: Format) -> None:
    file = write_as(tmp_path, kind)
    clean = file.read_bytes()
    rng = np.random.default_rng(7)
    for _ in range(20):
        damaged = bytearray(clean)
        for position in rng.integers(0, len(damaged), 30):
            damaged[position] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        try:
            decoded = decode(file, RATE)
        except AudioError:
            continue
        assert np.isfinite(decoded).all()
        assert np.abs(decoded).max() < 20


def test_blocks_joined_are_the_whole_file(tmp_path: Path) -> None:
    file = write_as(tmp_path, BY_SUFFIX["mp3"], seconds=12)
    blocks = list(decode_blocks(file, RATE))
    assert len(blocks) > 5
    assert all(block.size for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), decode(file, RATE))


def test_hours_need_no_more_memory_than_minutes(tmp_path: Path) -> None:
    # Only what Python holds is traced; ffmpeg holds a packet and a frame.
    file = write(tmp_path / "mix.wav", np.zeros((1, 8000 * 1800), np.float32), 8000, "pcm_u8")
    tracemalloc.start()
    try:
        samples = sum(block.size for block in decode_blocks(file, RATE))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert samples == RATE * 1800  # 115 MB as float32
    assert peak < 8_000_000


def test_a_rate_that_changes_within_the_file(tmp_path: Path) -> None:
    # Two streams in one file, as radio recordings have them.
    first = write(tmp_path / "a.mp3", tone(2.0, 44_100)[None], 44_100, "libmp3lame")
    second = write(tmp_path / "b.mp3", tone(2.0, 22_050)[None], 22_050, "libmp3lame")
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    decoded = decode(joined, RATE)
    assert len(decoded) / RATE == pytest.approx(4.0, abs=0.3)
    assert likeness(decoded[: 2 * RATE], tone(2.0, RATE)) > 0.99
    assert likeness(decoded[-2 * RATE :], tone(2.0, RATE)) > 0.99


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    mono = tone(1.0, RATE)
    file = write(tmp_path / "left.wav", np.stack([mono, 0 * mono]), RATE, "pcm_f32le")
    np.testing.assert_allclose(decode(file, RATE), mono / 2, atol=1e-6)


def test_96_khz_8_channels(tmp_path: Path) -> None:
    channels = np.stack([tone(2.0, 96_000, level=0.1 * k) for k in range(8)])
    file = write(tmp_path / "wide.flac", channels, 96_000, "flac", layout="7.1")
    decoded = decode(file, RATE)
    assert len(decoded) == 2 * RATE
    assert likeness(decoded, tone(2.0, RATE)) > 0.9999
    assert np.abs(decoded).max() == pytest.approx(0.35, abs=0.01)


def test_a_tenth_of_a_second_and_a_single_sample(tmp_path: Path) -> None:
    tenth = np.full((1, 1600), 0.5, np.float32)
    file = write(tmp_path / "short.wav", tenth, RATE, "pcm_s16le")
    np.testing.assert_allclose(decode(file, RATE), tenth[0], atol=1e-4)
    file = write(tmp_path / "sample.wav", tenth[:, :1], RATE, "pcm_s16le")
    np.testing.assert_allclose(decode(file, RATE), tenth[0, :1], atol=1e-4)


def test_silence(tmp_path: Path) -> None:
    file = write(tmp_path / "silence.flac", np.zeros((1, RATE), np.float32), RATE, "flac")
    np.testing.assert_array_equal(decode(file, RATE), np.zeros(RATE))


def test_nan_and_infinity_in_a_float_wav_are_silence(tmp_path: Path) -> None:
    mono = tone(1.0, RATE)
    damaged = mono.copy()
    damaged[100:110] = np.nan
    damaged[200] = np.inf
    damaged[300] = 3e38
    decoded = decode(write(tmp_path / "nan.wav", damaged[None], RATE, "pcm_f32le"), RATE)
    assert np.isfinite(decoded).all()
    assert np.abs(decoded).max() == 8
    np.testing.assert_array_equal(decoded[400:], mono[400:])


def test_a_wrong_extension_does_not_matter(tmp_path: Path) -> None:
    file = write_as(tmp_path, BY_SUFFIX["flac"])
    renamed = file.rename(tmp_path / "tone.mp3")
    assert len(decode(renamed, RATE)) == 3 * RATE


def test_tags_in_latin_1_do_not_stop_the_audio(tmp_path: Path) -> None:
    file = write_as(tmp_path, BY_SUFFIX["flac"], tags={"title": "CafXXX"})
    file.write_bytes(file.read_bytes().replace(b"CafXXX", b"Caf\xe9 \xe0"))
    with pytest.raises(UnicodeDecodeError), av.open(str(file)):
        pass  # what would happen without the option
    assert len(decode(file, RATE)) == 3 * RATE


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    file = write_as(tmp_path, BY_SUFFIX["flac"])
    odd = file.rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.flac"))
    assert len(decode(odd, RATE)) == 3 * RATE
    odd.write_bytes(b"")
    with pytest.raises(AudioError) as caught:
        decode(odd, RATE)
    assert str(caught.value).encode("utf-8").endswith(b"caf\\udce9.flac: is empty")


def test_a_name_that_looks_like_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_as(tmp_path, BY_SUFFIX["flac"]).rename(tmp_path / "concat:a.flac")
    assert len(decode("concat:a.flac", RATE)) == 3 * RATE


@pytest.mark.parametrize(
    "content",
    [
        "ffconcat version 1.0\nfile other.wav\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\nother.wav\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    ],
)
def test_a_file_that_points_to_another_is_not_followed(content: str, tmp_path: Path) -> None:
    wav(tmp_path / "other.wav", tone(1.0, RATE, 440.0))
    pointer = tmp_path / "song.mp3"
    pointer.write_text(content)
    assert "read" in reason(pointer)


def test_files_that_are_no_audio_say_so(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp3"
    empty.touch()
    assert reason(empty) == "is empty"

    text = tmp_path / "text.mp3"
    text.write_text("This is no music.\n" * 200)
    assert reason(text) == "is not audio, or too damaged to be read"

    noise = tmp_path / "noise.flac"
    noise.write_bytes(np.random.default_rng(1).bytes(5000))
    assert reason(noise) == "is not audio, or too damaged to be read"

    assert reason(tmp_path / "missing.mp3") == "does not exist"
    assert reason(tmp_path) == "is a folder, not a file"
    assert reason(tmp_path / "nul\0.mp3") == "is not a valid file name"

    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    assert reason(pipe) == "is not a regular file"


def test_a_video_without_sound_has_no_audio(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mjpeg", rate=5)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuvj420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert reason(film) == "contains no audio"


@pytest.fixture
def forbidden_file() -> Iterator[Path]:
    """A file that this process may not read, even where the tests run as root."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = write_as(Path(folder), BY_SUFFIX["wav"])
        file.chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield file
        finally:
            os.seteuid(user)


def test_a_file_without_read_permission_is_reported(forbidden_file: Path) -> None:
    assert reason(forbidden_file) == "is not readable: permission denied"


def test_a_rate_that_is_not_positive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sample_rate must be positive, not 0"):
        decode(tmp_path / "any.wav", 0)


def test_errors_can_be_pickled() -> None:
    error = AudioError(Path("a.mp3"), "is empty")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  (made one line above)
    assert (copy.path, copy.reason, str(copy)) == (Path("a.mp3"), "is empty", "a.mp3: is empty")


def test_a_part_equals_that_part_of_the_whole(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    path = wav(tmp_path / "noise.wav", random.random(48_000, np.float32) - 0.5)
    whole = decode(path, 16_000)
    part = decode(path, 16_000, start=1.25, duration=0.5)
    np.testing.assert_array_equal(part, whole[20_000:28_000])
    np.testing.assert_array_equal(decode(path, 16_000, start=2.5), whole[40_000:])
    np.testing.assert_array_equal(decode(path, 16_000, start=2.5, duration=9), whole[40_000:])
    with pytest.raises(AudioError, match="no audio that can be decoded after 3 s"):
        decode(path, 16_000, start=3)
    for bad in ({"start": -1.0}, {"duration": 0.0}, {"start": float("nan")}):
        with pytest.raises(ValueError, match="invalid part"):
            decode(path, 16_000, **bad)


@pytest.mark.parametrize("rate", [4, 8, 999])
def test_rates_that_no_music_has_are_refused(rate: int, tmp_path: Path) -> None:
    path = tmp_path / "slow.wav"
    path.write_bytes(wav_header(rate, 65_536) + b"\x80" * 65_536)
    assert reason(path) == f"has a sample rate of {rate} Hz: less than 1000 Hz"


def test_the_lowest_rate_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "slow.wav"
    path.write_bytes(wav_header(1000, 2000) + b"\x80" * 2000)
    assert len(decode(path, 16_000)) == 32_000
