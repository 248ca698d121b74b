"""Disks that fill up, power that fails, data that is damaged."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tunespace.errors import LibraryError
from tunespace.library import Library

from .conftest import ROUNDS, Place, State, read_state

MakePlace = Callable[..., Place]

# Runs in a mount namespace of its own, where a small file system holds the library.
_ON_A_SMALL_DISK = """
import json, pathlib, subprocess, sys
from tunespace.errors import LibraryError
from tunespace.library import Library
disk, music, model, *sizes = sys.argv[1:]
outcomes = []
for size in sizes:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", disk], check=True)
    folder = pathlib.Path(disk) / "library"
    try:
        with Library.open(folder, model=model) as library:
            library.index([music], workers=1)
            library.search("low")
        outcome = "done"
    except LibraryError as error:
        outcome = "refused" if "\\n" not in str(error) else str(error)
    subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
    with Library.open(folder, model=model) as library:
        library.index([music], workers=1)
        whole = not library.check_integrity()
        vectors = {t.path: library.vector_of(t).tobytes().hex() for t in library.tracks()[0]}
    outcomes.append([outcome, whole, vectors])
    subprocess.run(["umount", "-l", disk], check=True)
print(json.dumps(outcomes))
"""


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


@pytest.mark.skipif(not can_mount(), reason="file systems cannot be mounted here")
def test_a_disk_that_fills_up_loses_nothing(original: Place, right: State, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # From no space for the file itself to almost enough.
    count = max(4, min(ROUNDS, 60))
    sizes = [str(4 + 236 * n // count) for n in range(count)]
    command = ["unshare", "-rm", sys.executable, "-c", _ON_A_SMALL_DISK]
    arguments = [str(disk), str(original.music), str(original.model), *sizes]
    done = subprocess.run(  # noqa: S603 - this interpreter
        [*command, *arguments],
        env={
            "PYTHONPATH": ":".join(filter(None, sys.path)),
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    for outcome, whole, vectors in outcomes:
        assert outcome in ("done", "refused")
        assert whole
        named = {str(Path(k).relative_to(original.music)): v for k, v in vectors.items()}
        assert named == {name: vector.hex() for name, vector in right.vectors.items()}
    assert any(outcome == "refused" for outcome, _, _ in outcomes)


def test_a_log_that_was_cut_by_a_power_failure_loses_the_last_changes_only(
    place: MakePlace, right: State, chance: random.Random
) -> None:
    here = place(with_library=False)
    # A reader keeps the log from being merged when the writer ends.
    here.run("index", here.music / "album 0")
    with Library.open(here.library) as reader:
        assert len(reader) == 4
        here.run("index", here.music)
        here.save()
    log = (here.saved / "library.db-wal").read_bytes()
    assert log
    for n in range(ROUNDS):
        here.restore()
        (here.library / "library.db-shm").unlink(missing_ok=True)
        at = chance.randrange(len(log))
        cut = log[:at] if n % 2 else log[:at] + bytes(len(log) - at)
        (here.library / "library.db-wal").write_bytes(cut)
        here.run("index", here.music)
        assert read_state(here) == right


def test_derived_files_that_were_cut_or_zeroed_are_made_again(
    place: MakePlace, right: State, chance: random.Random
) -> None:
    here = place()
    assert read_state(here) == right
    for n in range(ROUNDS):
        files = [path for path in (here.library / "vectors").rglob("*") if path.is_file()]
        path = chance.choice(files)
        data = path.read_bytes()
        at = chance.randrange(len(data))
        path.write_bytes([data[:at], data[:at] + bytes(len(data) - at), b""][n % 3])
        assert read_state(here) == right


def test_damaged_pages_are_one_error_and_are_repaired(
    place: MakePlace, right: State, chance: random.Random
) -> None:
    here = place()
    read_state(here)
    here.save()
    for _ in range(ROUNDS):
        here.restore()
        data = bytearray((here.library / "library.db").read_bytes())
        for _ in range(chance.randint(1, 3)):
            page = chance.randrange(len(data) // 4096)
            data[4096 * page : 4096 * (page + 1)] = chance.choice([bytes(4096), b"\xa5" * 4096])
        (here.library / "library.db").write_bytes(data)
        try:
            with Library.open(here.library, create=False) as library:
                library.search("low")
                library.index([here.music])
        except LibraryError as error:
            assert "\n" not in str(error)  # noqa: PT017
        here.start("doctor", "--repair").communicate()
        here.run("index", here.music)
        assert read_state(here) == right
