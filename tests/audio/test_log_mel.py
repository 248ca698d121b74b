from pathlib import Path

import librosa
import numpy as np
import pytest

from sounds import BY_SUFFIX, write_as
from tunespace.audio import LogMel, decode_blocks

FRONT_ENDS = [
    LogMel(),
    LogMel(sample_rate=48_000, n_fft=2048, hop=480, n_mels=128, f_min=0.0, f_max=14_000.0),
    LogMel(sample_rate=22_050, n_fft=512, hop=512, n_mels=40, f_min=50.0, f_max=11_025.0),
    LogMel(n_fft=512, hop=256, n_mels=96, f_min=0.0, floor=1e-10, min_db=-100.0, scale="htk"),
]
each_front_end = pytest.mark.parametrize(
    "log_mel", FRONT_ENDS, ids=["default", "clap", "coarse", "htk"]
)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    """Noise that swells from -100 dB to -10 dB, so that floor and clipping take part."""
    rng = np.random.default_rng(seed)
    level = np.logspace(-5, -0.5, samples)
    return (level * rng.standard_normal(samples)).astype(np.float32)


@each_front_end
def test_the_spectrogram_is_the_one_librosa_computes(log_mel: LogMel) -> None:
    waveform = noise(3 * log_mel.sample_rate + 123)
    power = librosa.feature.melspectrogram(
        y=waveform.astype(np.float64),
        sr=log_mel.sample_rate,
        n_fft=log_mel.n_fft,
        hop_length=log_mel.hop,
        n_mels=log_mel.n_mels,
        fmin=log_mel.f_min,
        fmax=log_mel.f_max,
        center=True,
        pad_mode="reflect",
        power=2.0,
        htk=log_mel.scale == "htk",
        norm=None if log_mel.scale == "htk" else "slaney",
    )
    expected = np.clip(10 * np.log10(power + log_mel.floor), log_mel.min_db, log_mel.max_db).T
    computed = log_mel(waveform)
    assert computed.dtype == np.float32
    assert computed.shape == expected.shape == (1 + len(waveform) // log_mel.hop, log_mel.n_mels)
    np.testing.assert_allclose(computed, expected, atol=0.002)


@each_front_end
@pytest.mark.parametrize("sizes", [[1] * 700 + [4000], [16_000] * 3, [513, 1, 20_000, 2], [0, 5]])
def test_a_stream_equals_the_whole_spectrogram(log_mel: LogMel, sizes: list[int]) -> None:
    waveform = noise(sum(sizes), seed=1)
    blocks = np.split(waveform, np.cumsum(sizes)[:-1])
    streamed = np.concatenate(list(log_mel.stream(blocks)))
    np.testing.assert_allclose(streamed, log_mel(waveform), atol=1e-4)


@pytest.mark.parametrize("samples", [1, 2, 100, 319, 320, 512, 513, 1023, 1024, 1025, 1026, 16_000])
def test_any_length_has_its_frames(samples: int) -> None:
    assert LogMel()(noise(samples)).shape == (1 + samples // 320, 64)


def test_silence_is_the_lowest_value() -> None:
    np.testing.assert_array_equal(LogMel()(np.zeros(1600, np.float32)), np.full((6, 64), -80.0))


def test_a_real_tone_is_loudest_in_its_own_band(tmp_path: Path) -> None:
    log_mel = LogMel()
    file = write_as(tmp_path, BY_SUFFIX["mp3"])
    spectrogram = np.concatenate(list(log_mel.stream(decode_blocks(file, log_mel.sample_rate))))
    bins = np.fft.rfftfreq(log_mel.n_fft, 1 / log_mel.sample_rate)
    loudest = int(spectrogram.mean(axis=0).argmax())
    centre = bins[log_mel.filters[loudest].argmax()]
    assert centre == pytest.approx(440, abs=25)


def test_a_waveform_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(samples,\), not \(2, 100\)"):
        LogMel()(np.zeros((2, 100), np.float32))
    with pytest.raises(ValueError, match=r"shape \(samples,\), not \(0,\)"):
        LogMel()(np.zeros(0, np.float32))
    assert list(LogMel().stream([])) == []


@pytest.mark.parametrize(
    "wrong",
    [{"hop": 0}, {"n_fft": 1023}, {"f_max": 9000.0}, {"f_min": 8000.0}, {"floor": 0.0}],
    ids=str,
)
def test_parameters_without_a_spectrogram_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must (be|hold)"):
        LogMel(**wrong)  # type: ignore[arg-type]  # the point of the test
