from pathlib import Path

import pytest

import sounds
import tiny_model
from tunespace.models import Model, load_model


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """Hears how low or high a sound is, and knows the words for it."""
    return load_model(tiny_model.make(tmp_path / "model"))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Four tones: two low and two high; one of each by the same artist."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for n, hertz in enumerate((200.0, 300.0, 5000.0, 6000.0)):
        tone = 0.5 * sounds.tone(1.0 + n / 4, 16_000, hertz)
        sounds.wav(folder / f"{n}.wav", tone)
    rows = [
        "audio,track_id,tags,captions,artist,genre,split",
        "0.wav,a,low;solo,a low tone,Ann,low,test",
        "1.wav,b,low,the low one,Bob,low,test",
        "2.wav,c,high;solo,a high tone,Ann,high,test",
        "3.wav,d,high,the high one,Bob,high,train",
    ]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder
