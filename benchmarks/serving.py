"""Measure the server under load: ``python -m benchmarks.serving LIBRARY --music FOLDER``.

LIBRARY is one of 100,000 tracks (``big_library.py``) that gets the music of FOLDER beside them. A
hundred people search for a minute, first alone and then while FOLDER is indexed; each waits about a
second between an answer and the next question. After that without waiting, for the most that the
machine can do. Needs wrk (Debian: ``apt-get install wrk``).
"""

import argparse
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunespace.library.store.sqlite import SqliteStore

RESULT = Path(__file__).parent / "results" / "serving.json"
LUA = Path(__file__).with_suffix(".lua")
PEOPLE = 100
SECONDS = 60
SERVE = (
    "import sys; from pathlib import Path; from tunespace.server import Settings; "
    "from tunespace.server.serve import run; "
    "run(Settings(library=Path(sys.argv[1]), port=0, requests_a_minute=0, allow_write=True), "
    "on_ready=lambda address, _: print(address, flush=True))"
)


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("--music", type=Path, required=True)
    arguments = parser.parse_args()
    began = time.perf_counter()
    with served(arguments.library) as (address, pid):
        health = json.loads(read(f"{address}/health"))
        found = {
            "command": "python -m benchmarks.serving LIBRARY --music FOLDER",
            "tracks": health["tracks"],
            "people": PEOPLE,
            "cold_start_seconds": round(time.perf_counter() - began, 2),
            "idle_megabytes": megabytes(pid),
        }
        read(f"{address}/api/search?q=jazz")
        found["alone"] = asked(address, 1000, SECONDS)
        forget(arguments.library, arguments.music)
        read(f"{address}/api/index", post=True)
        found["while indexing"] = asked(address, 1000, SECONDS)
        job = json.loads(read(f"{address}/api/index"))
        found["indexed meanwhile"] = {"files": job["done"], "music_seconds": job["music_seconds"]}
        while json.loads(read(f"{address}/api/index"))["state"] == "running":
            time.sleep(1)
        found["without waiting"] = asked(address, 0, SECONDS // 3)
        found["megabytes_after"] = megabytes(pid)
    RESULT.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


@contextmanager
def served(library: Path) -> Iterator[tuple[str, int]]:
    """Start a server of a library; yield its address and its process."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(library)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield server.stdout.readline().strip(), server.pid
    finally:
        server.kill()


def asked(address: str, pause: int, seconds: int) -> dict[str, float]:
    """Return the latencies that wrk measured, in milliseconds."""
    command = ["wrk", "-t1", f"-c{PEOPLE}", f"-d{seconds}s", "--timeout", "10s", "-s", str(LUA)]
    done = subprocess.run(
        [*command, address, "--", str(pause)], capture_output=True, text=True, check=True
    )
    return json.loads(re.findall(r"^\{.*\}$", done.stdout, re.MULTILINE)[-1])


def forget(library: Path, music: Path) -> None:
    """Remove the tracks from the library and keep their folder, so that it is indexed again."""
    store = SqliteStore(library)
    prefix = str(music.resolve())
    found = (store.id_of_path(path) for path in store.track_paths() if path.startswith(prefix))
    ids = [id_ for id_ in found if id_ is not None]
    with store.writing():
        store.remove_tracks(ids)
        store.add_roots([prefix])
    store.close()


def read(address: str, *, post: bool = False) -> bytes:
    """Return the server's response."""
    request = urllib.request.Request(address, method="POST" if post else "GET")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def megabytes(pid: int) -> int:
    """Return the memory of a process in MB; shared pages count in full."""
    said = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", said)[1]) // 1024


if __name__ == "__main__":
    main()
