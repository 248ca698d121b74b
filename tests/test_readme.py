"""Code blocks of the README run as printed.

Three programs are replaced, so that a block needs no network, ends, and ends soon: ``pip`` checks
that the extras exist, ``make`` that the target exists (a dry run), and ``tunespace`` stops the
server when it is ready and trains for two epochs.
"""

import os
import sys
from pathlib import Path

import pytest

import sounds
import tiny_model
from code_blocks import code_blocks, run_block

ROOT = Path(__file__).parents[1]
ARTISTS = ("Nina Simone", "Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida")
BINARIES = Path(sys.executable).parent

PIP = f"""#!{sys.executable}
import re, sys, tomllib
command, target = sys.argv[1:]
extras = tomllib.load(open({str(ROOT / "pyproject.toml")!r}, "rb"))["project"]
name, _, extra = target.rstrip("]").partition("[")
assert command == "install" and name == "."
assert not extra or extra in extras["optional-dependencies"], extra
"""
TOOL = f"""#!{sys.executable}
import subprocess, sys
*command, install, target = sys.argv[1:]
assert command in ([], ["tool"])
subprocess.run(["pip", install, target], check=True)
"""
MAKE = f"""#!/bin/sh
exec /usr/bin/env -i PATH=/usr/bin:/bin make --directory '{ROOT}' --dry-run "$@"
"""
TUNESPACE = f"""#!/bin/bash
case "$1" in
serve)
  if [ "${{!#}}" = --mcp ]; then exec '{BINARIES}/tunespace' "$@"; fi
  coproc '{BINARIES}/tunespace' "$@" --port 0
  read -r line <&"${{COPROC[0]}}"
  echo "$line"
  kill -INT "$COPROC_PID"
  ;;
train | fine-tune) exec '{BINARIES}/tunespace' "$@" --set schedule.epochs=2 ;;
*) exec '{BINARIES}/tunespace' "$@" ;;
esac
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the files that the README names; it is the home folder, too."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "Music").mkdir()
    music, pairs = ["audio,tags,artist,genre"], ["audio,text"]
    for n, artist in enumerate(ARTISTS):
        for word, hertz in (("low", 110.0), ("high", 1760.0)):
            name = f"Music/{word}-{n}.flac"
            tags = {"title": f"{word} {n}", "artist": artist, "genre": "Jazz", "date": "1965"}
            tone = sounds.tone(6, 16_000, hertz + 5 * n)
            sounds.write(folder / name, tone[None], 16_000, "flac", tags=tags)
            music.append(f"{name},{word};tone,{artist},{word}")
            # The other way round: what the model knows already, it cannot learn.
            pairs.append(f"{name},a {'high' if word == 'low' else 'low'} tone")
    for name in ("music.csv", "my.csv"):
        (folder / name).write_text("\n".join(music) + "\n")
    (folder / "mine.csv").write_text("\n".join(pairs) + "\n")
    tone = sounds.tone(6, 44_100, 220)[None]
    sounds.write(folder / "song.mp3", tone, 44_100, "libmp3lame")
    sounds.write(folder / "mix.flac", tone, 44_100, "flac")
    (folder / "other").mkdir()
    tiny_model.make(folder / "other" / "folder")
    (folder / "Music" / "Podcasts").mkdir()
    tone = sounds.tone(6, 16_000, 500)
    sounds.wav(folder / "Music" / "Podcasts" / "talk.wav", tone)
    (folder / "bin").mkdir()
    for name, program in (
        ("pip", PIP),
        ("uv", TOOL),
        ("pipx", TOOL),
        ("make", MAKE),
        ("tunespace", TUNESPACE),
    ):
        path = folder / "bin" / name
        path.write_text(program)
        path.chmod(0o755)
    return folder


def test_blocks_of_the_readme_run_in_order(place: Path) -> None:
    path = os.pathsep.join((str(place / "bin"), str(BINARIES), os.environ["PATH"]))
    environment = {"HOME": str(place), "PATH": path, "XDG_DATA_HOME": "", "XDG_CACHE_HOME": ""}
    blocks = code_blocks(ROOT / "README.md")
    output = [run_block(language, text, place, environment) for language, text in blocks]
    assert len(blocks) >= 7
    assert "similar to Nina Simone" in blocks[2][1]
    assert "Nina Simone" in output[2]
    assert "listens on http://127.0.0.1:" in output[3]
    assert "/?token=" in output[3]
