"""The scripts in ``examples`` run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tiny_model
import tiny_music

EXAMPLES = Path(__file__).parents[1] / "examples"
ARGUMENTS = {
    "search_collection": ("music", "low tone"),
    "sentence_and_sound": ("library", "music/low-loud-0.wav"),
    "playlist_between": ("library", "low-loud-0", "high-quiet-1", "--count", "4"),
    "embed_and_compare": ("music/low-loud-0.wav", "music/high-loud-0.wav"),
    "evaluate_models": ("music/music.csv", "tunespace-small", "other"),
    "train_recipe": ("music/music.csv", "run"),
}
EXPECTED = {
    "sentence_and_sound": "low-loud-1",
    "playlist_between": "high-quiet-1.wav",
    "embed_and_compare": "music/high-loud-0.wav: ",
    "evaluate_models": "tag-to-music, map: ",
    "train_recipe": "2 epochs, model in run/model",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``music``, a library of it that the first script made, and a second model."""
    folder = tmp_path_factory.mktemp("examples")
    tiny_music.manifest(folder / "music")
    tiny_model.make(folder / "other")
    assert "18 tracks in playlist.m3u8" in run("search_collection", folder)
    assert (folder / "playlist.m3u8").read_text(encoding="utf-8").count(".wav") == 18
    return folder


def run(name: str, place: Path) -> str:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *ARGUMENTS[name]]
    environment = os.environ | {"TUNESPACE_CACHE": str(place / "cache"), "HOME": str(place)}
    ran = subprocess.run(  # noqa: S603 - the project's own scripts
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_each_script_is_tested_and_listed() -> None:
    scripts = {path.stem for path in EXAMPLES.glob("*.py")}
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert scripts == set(ARGUMENTS)
    assert all(f"`{name}.py`" in listed for name in scripts)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_script_runs(name: str, place: Path) -> None:
    assert EXPECTED[name] in run(name, place)
