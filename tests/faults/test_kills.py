"""Commands that are killed at random moments, and run again."""

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROUNDS, Place, State, read_state

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills process groups")
MakePlace = Callable[..., Place]


def test_a_killed_index_is_completed_by_the_next(
    place: MakePlace, right: State, chance: random.Random
) -> None:
    killed = 0
    here = place(with_library=False)
    for _ in range(ROUNDS):
        shutil.rmtree(here.library, ignore_errors=True)
        # Several kills in a row, as of a computer that is switched off each time.
        for _ in range(chance.randint(1, 3)):
            killed += here.kill_after(chance.uniform(0.1, 0.7), "index", here.music)
        here.run("index", here.music)
        assert read_state(here) == right
    assert killed


def test_a_killed_update_is_completed_by_the_next(
    place: MakePlace, right: State, chance: random.Random
) -> None:
    here = place()
    here.save()
    for _ in range(ROUNDS):
        here.restore()
        moved = here.music / "moved"
        (here.music / "album 1").rename(moved)
        deleted = here.music / "album 2" / "08.wav"
        content = deleted.read_bytes()
        deleted.unlink()
        here.kill_after(chance.uniform(0.2, 1.0), "index", here.music)
        moved.rename(here.music / "album 1")
        deleted.write_bytes(content)
        here.kill_after(chance.uniform(0.2, 1.0), "index", here.music)
        here.run("index", here.music)
        assert read_state(here) == right


def test_a_killed_change_of_model_is_completed_or_taken_back(
    place: MakePlace, right: State, chance: random.Random, tmp_path: Path
) -> None:
    here = place()
    here.save()
    here.run("index", here.music, "--model", other_model(tmp_path))
    changed = read_state(here, other_model(tmp_path))
    for n in range(ROUNDS):
        here.restore()
        other = other_model(tmp_path)
        here.kill_after(chance.uniform(0.2, 1.3), "index", here.music, "--model", other)
        if n % 2:
            here.run("index", here.music, "--model", other)
            assert read_state(here, other) == changed
        else:
            here.run("index", here.music, "--model", here.model)
            assert read_state(here) == right


def other_model(folder: Path) -> Path:
    """Return another model, which returns other embeddings."""
    import tiny_model

    path = folder / "another model"
    if not path.exists():
        tiny_model.make(path)
        config = path / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"name": "another"}))
    return path


def test_a_killed_relocation_is_done_or_not(
    place: MakePlace, right: State, chance: random.Random
) -> None:
    here = place()
    new = here.folder / "new"
    for n in range(ROUNDS):
        old, target = (new, here.music) if n % 2 else (here.music, new)
        old.rename(target)
        here.kill_after(chance.uniform(0.15, 0.6), "relocate", old, target)
        process = here.start("relocate", old, target)  # fails if it was done
        process.communicate()
        here.run("index", target)
        assert read_state(here, music=target) == right


def test_a_killed_removal_is_done_or_not(
    place: MakePlace, right: State, chance: random.Random
) -> None:
    here = place()
    for _ in range(ROUNDS):
        here.kill_after(chance.uniform(0.15, 0.6), "forget", here.music / "album 1")
        here.run("index", here.music, here.music / "album 1")
        assert read_state(here) == right


def test_a_killed_repair_is_completed_by_the_next(
    place: MakePlace, right: State, chance: random.Random
) -> None:
    here = place()
    here.save()
    for _ in range(ROUNDS):
        here.restore()
        data = bytearray((here.library / "library.db").read_bytes())
        page = chance.randrange(2, len(data) // 4096)
        data[4096 * page : 4096 * (page + 1)] = b"\xa5" * 4096
        (here.library / "library.db").write_bytes(data)
        here.kill_after(chance.uniform(0.3, 1.2), "doctor", "--repair")
        process = here.start("doctor", "--repair")
        process.communicate()
        here.run("index", here.music)
        assert read_state(here) == right
