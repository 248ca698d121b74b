import numpy as np
import pytest

from tunespace.audio.perturb import mp3_round_trip, shift_pitch

RATE = 16_000


def tone(hertz: float, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def peak(samples: np.ndarray, rate: int = RATE) -> float:
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(power.argmax() * rate / len(middle))


@pytest.mark.parametrize("semitones", [-12, -2, 0, 0.5, 3, 12])
def test_pitch_moves_and_tempo_stays(semitones: float) -> None:
    result = shift_pitch(tone(440), RATE, semitones)
    assert result.dtype == np.float32
    assert peak(result) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)
    assert len(result) == pytest.approx(2 * RATE, rel=0.05)


def test_more_than_an_octave_is_refused() -> None:
    with pytest.raises(ValueError, match="by an octave, not by 13 semitones"):
        shift_pitch(tone(440), RATE, 13)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 10_000, 96_000])
def test_coding_keeps_loud_components(rate: int) -> None:
    random = np.random.default_rng(0)
    clean = tone(440, rate=rate)
    noisy = clean + random.normal(0, 0.001, len(clean)).astype(np.float32)
    result = mp3_round_trip(noisy, rate, 32)
    assert result.dtype == np.float32
    assert peak(result, rate) == pytest.approx(440, rel=0.01)
    assert len(result) == pytest.approx(2 * rate, rel=0.1)
    assert np.abs(result).max() == pytest.approx(0.3, rel=0.1)


def test_lower_bitrates_lose_more() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.1, 2 * RATE).astype(np.float32)

    def high(samples: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(samples)) ** 2
        return float(power[len(power) * 3 // 4 :].sum() / power.sum())

    assert high(mp3_round_trip(noise, RATE, 16)) < 0.5 * high(mp3_round_trip(noise, RATE, 128))
