"""The demo's own code; `make demo` itself is run by hand, since it fetches."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import sounds


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path = Path(__file__).parents[1] / "demo" / "demo.py"
    spec = importlib.util.spec_from_file_location("demo", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    return module


def test_the_demo_indexes_and_searches_a_folder(
    demo: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mine").mkdir()
    sounds.wav(tmp_path / "mine" / "a tone.wav", sounds.tone(2.0, 16_000))
    monkeypatch.setattr(sys, "argv", ["demo.py", "mine"])
    assert demo.main() == 0
    output = capfd.readouterr().out
    assert "$ tunespace index mine" in output
    assert output.count("a tone") >= len(demo.SEARCHES)


def test_without_music_the_demo_asks_for_a_folder(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo.py", "nothing"])
    assert demo.main() == 1
    assert "make demo MUSIC=" in capsys.readouterr().out


def test_the_demo_continues_without_apt(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo.shutil, "which", lambda _: None)
    demo.fetch_from_debian(Path("music"))
    assert "no apt-get" in capsys.readouterr().out


def test_missing_package_lists_are_reported_once(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo.shutil, "which", lambda name: name)
    monkeypatch.setattr(demo, "DEBIAN", ["no-such-package", "nor-this"])
    failing = "import sys; sys.exit(100)"

    def fails(_: list[str], **options: object) -> object:
        return demo_run([sys.executable, "-c", failing], **options)

    demo_run = demo.subprocess.run
    monkeypatch.setattr(demo.subprocess, "run", fails)
    demo.fetch_from_debian(Path("music"))
    output = capsys.readouterr().out
    assert output.count("apt-get has no list of packages") == 1
