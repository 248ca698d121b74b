"""Examples in docstrings run as printed."""

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import sounds
import tunespace

MODULES = [
    module.name
    for module in pkgutil.walk_packages(tunespace.__path__, "tunespace.")
    if not module.name.endswith("__main__")  # importing it would run the program
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with what the examples name: ``song.wav``, ``music``, ``music.csv``, ``library``."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "music").mkdir()
    rows = ["audio,tags"]
    for name, hertz in (("low", 110), ("middle", 440), ("high", 1760)):
        sounds.wav(folder / "music" / f"{name}.wav", sounds.tone(5, 16_000, hertz))
        rows.append(f'music/{name}.wav,"{name}, tone"')
    (folder / "music.csv").write_text("\n".join(rows) + "\n")
    (folder / "song.wav").write_bytes((folder / "music" / "low.wav").read_bytes())
    with tunespace.Library.open(folder / "library") as library:
        library.index([folder / "music"])
    return folder


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_run(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=options)
    assert not failed


# Commands are in the README and the tutorials.
WITHOUT_EXAMPLE = ("tunespace.cli",)


def test_every_public_name_has_an_example() -> None:
    missing = []
    for module in map(importlib.import_module, MODULES):
        if module.__name__ in WITHOUT_EXAMPLE:
            continue
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if (inspect.isclass(value) or inspect.isroutine(value)) and ">>>" not in (
                value.__doc__ or ""
            ):
                missing.append(f"{module.__name__}.{name}")
    assert not missing
