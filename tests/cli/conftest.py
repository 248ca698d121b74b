import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sounds
import tiny_model
from tunespace.cli import main


@dataclass
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - what a command printed
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command with a library and a model of its own."""
    model = tiny_model.make(tmp_path / "model")
    monkeypatch.setenv("TUNESPACE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("TUNESPACE_MODEL", str(model))
    monkeypatch.setenv("COLUMNS", "120")

    def command(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["tunespace", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Ran(code, *capsys.readouterr())

    return command


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for name, hertz in (("low", 300.0), ("high", 5000.0)):
        samples = 0.5 * sounds.tone(1.5 if name == "low" else 2.5, 16_000, hertz)
        tags = {"title": f"{name} tone", "artist": "The Tones", "date": "1999"}
        sounds.write(folder / f"{name}.flac", samples[None], 16_000, "flac", tags=tags)
    (folder / "broken.mp3").write_bytes(b"nothing")
    (folder / "nan.txt").write_bytes(np.full(10, np.nan).tobytes())
    return folder
