"""Audio files with random damage: each costs one line at most, within its bounds."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import sounds
from tunespace.audio.peaks import waveform_peaks
from tunespace.audio.transcode import transcode_to_flac
from tunespace.errors import AudioError
from tunespace.library.cover_art import read_cover_art

from .conftest import Place

FILES = int(os.environ.get("TUNESPACE_FAULT_FILES", "60"))
_AT_ONCE = 500
_FORMATS = [
    *sounds.FORMATS,
    sounds.Format("wv", "wavpack"),
    sounds.Format("mka", "flac"),
    sounds.Format("wma", "wmav2", options=(("b", "128000"),)),
]


# In a process of its own: the peak of memory is that of all workers that a process ever had.
_INDEX = """
import json, resource, sys
from tunespace.library import Library
if __name__ == "__main__":
    model, library, folder = sys.argv[1:]
    with Library.open(library, model=model) as library:
        report = library.index([folder])
        again = library.index([folder])
        print(json.dumps({
            "added": report.added,
            "reasons": [failure.reason for failure in report.failed],
            "tracks": len(library),
            "changed_again": again.added + again.updated,
            "peak_kilobytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
        }))
"""


def index_apart(model: Path, library: Path, folder: Path) -> dict[str, Any]:
    """Index a folder twice in a new process; return the counts and the peak of its workers."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", _INDEX, str(model), str(library), str(folder)],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return a file with one kind of damage, most often near its beginning."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 20))):
        near = chance.random() < 0.6
        at = chance.randrange(min(len(changed), 600) if near else len(changed))
        kind = chance.randrange(6)
        if kind == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        elif kind == 2:
            del changed[at : at + chance.randrange(1, 400)]
        elif kind == 3:
            changed[at:at] = chance.randbytes(chance.randrange(1, 400))
        elif kind == 4:
            changed[at : at + 100] = chance.randbytes(100)
        else:
            del changed[max(at, 40) :]
        if not changed:
            return b"\0"
    return bytes(changed)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("seeds")
    tags = {"title": "Night Ferry", "artist": "Ada Rowe", "date": "1999"}
    return [sounds.write_as(folder, format_, seconds=1.0, tags=tags) for format_ in _FORMATS]


def test_each_mutated_file_costs_one_line_at_most(
    original: Place, seeds: list[Path], tmp_path: Path, chance: random.Random
) -> None:
    slowest = 0.0
    for start in range(0, FILES, _AT_ONCE):
        folder = tmp_path / str(start)
        folder.mkdir()
        count = min(_AT_ONCE, FILES - start)
        for n in range(count):
            seed = chance.choice(seeds)
            (folder / f"{n}{seed.suffix}").write_bytes(mutate(seed.read_bytes(), chance))
        began = time.monotonic()
        outcome = index_apart(original.model, tmp_path / f"library {start}", folder)
        slowest = max(slowest, (time.monotonic() - began) / count)
        # Some damage makes files equal: a copy is a track of its own.
        assert outcome["added"] + len(outcome["reasons"]) == count
        assert outcome["tracks"] == outcome["added"]
        assert all("\n" not in reason for reason in outcome["reasons"])
        assert outcome["changed_again"] == 0
        assert outcome["peak_kilobytes"] < 2 * 2**20
        for path in folder.iterdir():
            path.unlink()
    # In seconds of one file, of which the largest has 200 kB.
    assert slowest < 5


def test_mutated_files_are_shown_or_refused(
    seeds: list[Path], tmp_path: Path, chance: random.Random
) -> None:
    for n in range(min(FILES, 3000)):
        seed = chance.choice(seeds)
        path = tmp_path / f"file{seed.suffix}"
        path.write_bytes(mutate(seed.read_bytes(), chance))
        for show in (
            lambda file: transcode_to_flac(file, tmp_path / "out.flac"),
            lambda file: waveform_peaks(file, 1.0, 50),
            lambda file: read_cover_art(str(file)),
        ):
            try:
                show(path)
            except AudioError as error:
                assert error.reason, (n, seed)  # noqa: PT017
