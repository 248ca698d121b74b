from pathlib import Path

import numpy as np
import pytest

import sounds
from tunespace.audio import decode
from tunespace.evaluation import Item, Manifest, overlap
from tunespace.evaluation.fingerprint import RATE, FingerprintIndex, fingerprint


def melody(seed: int, seconds: float = 20.0) -> np.ndarray:
    """Chords that nobody else plays, with a little noise."""
    random = np.random.default_rng(seed)
    rate = 16_000
    parts: list[np.ndarray] = []
    while sum(len(part) for part in parts) < seconds * rate:
        notes = 220 * 2 ** (random.integers(0, 36, size=4) / 12)
        time = np.arange(int(rate * random.uniform(0.15, 0.5))) / rate
        chord = np.sin(2 * np.pi * notes[:, None] * time).sum(axis=0) * np.exp(-3 * time)
        parts.append(chord + 0.05 * random.normal(size=len(time)))
    return np.asarray(np.concatenate(parts) * 0.15, np.float32)


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    return [sounds.wav(tmp_path / f"{n}.wav", melody(n)) for n in range(6)]


def test_a_clip_is_found_in_its_recording_and_in_no_other(
    songs: list[Path], tmp_path: Path
) -> None:
    index = FingerprintIndex({song.name: fingerprint(decode(song, RATE)) for song in songs[:5]})
    for n in range(5):
        quiet = melody(n)[52_345 : 52_345 + 14 * 16_000] * 0.2
        cut = tmp_path / "cut.mp3"
        sounds.write(cut, quiet[None].astype(np.float32), 16_000, "libmp3lame")
        found = index.find(decode(cut, RATE))
        assert found is not None
        assert found.name == f"{n}.wav"
        assert found.errors < 0.3
    assert index.find(decode(songs[5], RATE)) is None


def test_silence_and_very_short_clips_match_nothing(songs: list[Path]) -> None:
    silence = np.zeros(20 * RATE, np.float32)
    index = FingerprintIndex(
        {"silence": fingerprint(silence), "song": fingerprint(decode(songs[0], RATE))}
    )
    assert index.find(silence) is None
    assert index.find(np.zeros(10, np.float32)) is None
    assert index.find(decode(songs[0], RATE, start=3, duration=1)) is None
    assert FingerprintIndex({}).find(decode(songs[0], RATE)) is None


def test_overlap_in_three_ways(songs: list[Path]) -> None:
    training = Manifest(
        "train",
        (
            Item("1", songs[0], artist="Sigur Rós", title="Von"),
            Item("2", songs[1], artist="Ann", title="One"),
            Item("3", songs[0].with_name("gone.wav")),
        ),
    )
    judged = Manifest(
        "test",
        (
            Item("1", songs[2]),
            Item("a", songs[3], artist="SIGUR ROS", title="von"),
            Item("b", songs[1], start=4.0, artist="Bob", title="Other"),
            Item("c", songs[4], artist="Ann", title="Two"),
        ),
    )
    found = overlap(training, judged)
    assert (found.by_id, found.by_name, found.by_artist) == (("1",), ("a",), 2)
    assert found.as_json()["by_fingerprint"] == "not listened for"
    calls: list[int] = []
    overlapping = overlap(
        training, judged, compare_recordings=True, on_progress=lambda done, _: calls.append(done)
    )
    assert overlapping.by_fingerprint == ("b",)
    assert overlapping.clips == {"1", "a", "b"}
    assert calls == list(range(1, 8))
