"""Code blocks of the tutorials run as printed."""

import os
import sys
from pathlib import Path

import pytest

import sounds
from code_blocks import code_blocks, run_block

DOCS = Path(__file__).parents[1] / "docs" / "tutorials"
ARTISTS = ("Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Joe", "Kim", "Lea")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Folder with the files that the tutorials name."""
    (tmp_path / "music").mkdir()
    music, pairs = ["audio,tags,captions,artist,genre"], ["audio,text"]
    for n, artist in enumerate(ARTISTS):
        for word, hertz in (("low", 110), ("high", 1760)):
            name = f"music/{word}-{artist}.wav"
            sounds.wav(tmp_path / name, sounds.tone(11, 16_000, hertz + 5 * n))
            music.append(f"{name},{word};tone,A {word} tone.,{artist},{word}")
            # The other way round: what the model knows already, it cannot learn.
            pairs.append(f"{name},a {'high' if word == 'low' else 'low'} tone")
    (tmp_path / "music.csv").write_text("\n".join(music) + "\n")
    (tmp_path / "pairs.csv").write_text("\n".join(pairs) + "\n")
    (tmp_path / "song.wav").write_bytes((tmp_path / "music" / "low-Ann.wav").read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.md")))
def test_blocks_of_a_tutorial_run_in_order(name: str, place: Path) -> None:
    blocks = code_blocks(DOCS / name)
    assert blocks
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    library, cache = str(place / "library"), str(place / "cache")
    environment = {"PATH": path, "TUNESPACE_LIBRARY": library, "TUNESPACE_CACHE": cache}
    for language, text in blocks:
        run_block(language, text, place, environment)
