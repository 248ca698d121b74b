"""Measure speed and memory of indexing and search: ``python -m benchmarks.speed``.

    python benchmarks/speed.py MUSIC [--out FILE.json] [--place FOLDER] [--million]

MUSIC is any folder of music, such as build/demo/music, which `make demo` fetches; 40 of its
tracks are encoded as mp3 for the figures of indexing. Libraries without music (`big_library.py`) of
10,000, 100,000 and, with --million, 1,000,000 tracks are made for the figures of search.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import big_library
import numpy as np

from tunespace import Library, load_model
from tunespace.audio import cut_windows, decode_blocks
from tunespace.library import Query, QueryTerm, Text
from tunespace.library.index.scan import scan
from tunespace.library.search.filter_parser import parse_filter
from tunespace.models import Model

QUERIES = [
    f"{mood} {what}"
    for mood in ("calm", "sad", "happy", "dark", "energetic", "dreamy", "a rather lonely", "epic")
    for what in (
        "jazz piano, no vocals",
        "guitar music for a long drive at night",
        "electronic dance music",
        "strings",
        "female singer",
    )
]
WHERE = ["", "year >= 1990", 'genre = "Jazz"', "year = 1975 and genre = Rock"]


def main() -> None:
    """Measure everything and print the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("music", type=Path)
    parser.add_argument("--place", type=Path, default=Path("build/bench"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--million", action="store_true")
    arguments = parser.parse_args()
    place = arguments.place
    place.mkdir(parents=True, exist_ok=True)
    record: dict[str, object] = {
        "command": "python benchmarks/speed.py build/demo/music"
        + (" --million" if arguments.million else ""),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {cpu()}",
        "python": platform.python_version(),
        "model": load_model().identity,
    }
    steps: list[tuple[str, Callable[[], object]]] = [
        ("import_tunespace_s", import_time),
        ("cold_search_10k", lambda: cold_search(place)),
        ("search_100k", lambda: warm_search(place, 100_000)),
        ("index_mp3", lambda: indexing(arguments.music, place)),
    ]
    if arguments.million:
        steps.append(("search_1m", lambda: warm_search(place, 1_000_000)))
    for name, measure in steps:
        record[name] = measure()
        print(f"{name}: {json.dumps(record[name])}", flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


def cpu() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((ln.split(":")[1].strip() for ln in lines if ln.startswith("model name")), "")


def import_time() -> dict[str, float]:
    """Return the time of ``import tunespace`` in a new process, minus that of an empty process."""
    bare = [timed([sys.executable, "-c", "pass"]) for _ in range(10)]
    whole = [timed([sys.executable, "-c", "import tunespace"]) for _ in range(10)]
    return {"median": round(statistics.median(whole) - statistics.median(bare), 4)}


def cold_search(place: Path) -> dict[str, float]:
    """Return the time of ``tunespace search`` in a new process."""
    library = big(place, 10_000)
    program = str(Path(sys.executable).parent / "tunespace")
    times = [timed([program, "search", query, "--library", str(library)]) for query in QUERIES[:15]]
    return summary([1000 * t for t in times[1:]])  # the first one makes the matrix


def warm_search(place: Path, tracks: int) -> dict[str, object]:
    """Return the times of searches in one process, text tower included."""
    folder = big(place, tracks)
    command = [sys.executable, __file__, "--inside", str(folder)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, object] = json.loads(ran.stdout)
    return found


def inside(folder: Path) -> None:
    """Measure warm searches; ``warm_search`` runs this in a process of its own."""
    with Library.open(folder) as library:
        library.search(QUERIES[0])
        forget = forgetting(library.model)
        all_times = [elapsed(lambda q=q: library.search(q), forget) for q in QUERIES]
        filtered = [
            elapsed(lambda q=q, w=w: library.search(q, where=w), forget)
            for q in QUERIES[:20]
            for w in WHERE[1:]
        ]
        searcher = library._open_searcher()  # noqa: SLF001 - to time the scan apart
        matrix = searcher.matrix
        vectors = library.model.embed_text(QUERIES)
        scans = [elapsed(lambda v=v: matrix.vectors @ v) for v in vectors]
        text = [elapsed(lambda q=q: library.model.embed_text([q]), forget) for q in QUERIES]
        memory = peak_memory()
        exact = matrix.vectors.astype(np.float64)
        recalls = []
        for query, vector in list(zip(QUERIES, vectors, strict=True))[::4]:
            for where in WHERE:
                cosines = exact @ vector.astype(np.float64)
                if where:
                    ids = library._store.matching_ids(parse_filter(where))  # noqa: SLF001
                    cosines[~np.isin(matrix.ids, ids)] = -np.inf
                best = set(matrix.ids[np.argsort(-cosines)[:10]].tolist())
                asked = Query(
                    terms=(QueryTerm(Text(query)),), where=where, limit=64, include_duplicates=True
                )
                hits = library.search(asked)
                near = sorted(hits, key=lambda hit: -hit.cosine)[:10]
                recalls.append(len(best & {hit.track.id for hit in near}) / len(best))
        print(
            json.dumps(
                {
                    "tracks": len(library),
                    "search_ms": summary(all_times),
                    "search_with_filter_ms": summary(filtered),
                    "scan_ms": summary(scans),
                    "text_ms": summary(text),
                    "recall_at_10": round(float(np.mean(recalls)), 4),
                    "peak_memory_mb": memory,
                }
            )
        )


def indexing(music: Path, place: Path) -> dict[str, object]:
    """Return the speed of each step on one core, and of ``tunespace index`` on all cores."""
    folder = mp3s(music, place / "mp3")
    paths = [found.path for found in scan(folder)]
    model = load_model()
    front_end, window = model.config.front_end, model.config.window
    tower = model.audio_tower
    spent = dict.fromkeys(("decode", "log_mel", "tower"), 0.0)
    seconds = 0.0
    for path in paths[:15]:
        began = time.perf_counter()
        blocks = list(decode_blocks(path, front_end.sample_rate))
        decoded = time.perf_counter()
        mel = list(front_end.stream(blocks))
        transformed = time.perf_counter()
        windows = np.stack([w.frames for w in cut_windows(mel, window, window)])
        for first in range(0, len(windows), 8):
            tower(windows[first : first + 8])
        spent["decode"] += decoded - began
        spent["log_mel"] += transformed - decoded
        spent["tower"] += time.perf_counter() - transformed
        seconds += sum(len(block) for block in blocks) / front_end.sample_rate
    one_core = {f"{name}_times_real_time": round(seconds / value) for name, value in spent.items()}
    one_core["share_of_decode"] = round(spent["decode"] / sum(spent.values()), 2)
    library = place / "indexed"
    for old in library.glob("**/*"):
        if old.is_file():
            old.unlink()
    command = [str(Path(sys.executable).parent / "tunespace"), "index", str(folder), "--json"]
    ran = subprocess.Popen([*command, "--library", str(library)], stdout=subprocess.PIPE, text=True)
    peak = 0.0
    while ran.poll() is None:
        peak = max(peak, memory_of_tree(ran.pid))
        time.sleep(0.1)
    report = json.loads(ran.stdout.read() if ran.stdout else "{}")
    cores = os.cpu_count() or 1
    rate = report["music_seconds"] / report["elapsed_seconds"]
    return {
        "tracks": report["added"],
        "music_hours": round(report["music_seconds"] / 3600, 2),
        "times_real_time": round(rate),
        "times_real_time_per_core": round(rate / cores),
        "one_core": one_core,
        "peak_memory_of_all_processes_mb": round(peak),
    }


def mp3s(music: Path, folder: Path) -> Path:
    """Write 40 tracks as stereo MP3 of 192 kbit/s, unless they exist."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [track.path for track in scan(music)][::3][:40]
    for n, path in enumerate(found):
        target = folder / f"{n:02}.mp3"
        if target.exists():
            continue
        new = folder / "new.mp3"
        with av.open(path, metadata_errors="replace") as source, av.open(new, "w") as sink:
            stream = sink.add_stream("libmp3lame", rate=44_100, bit_rate=192_000)
            stream.layout = "stereo"
            resampler = av.AudioResampler("fltp", "stereo", 44_100, frame_size=1152)
            for frame in source.decode(audio=0):
                frame.pts = None
                for part in resampler.resample(frame):
                    sink.mux(stream.encode(part))
            sink.mux(stream.encode(None))
        new.rename(target)
    return folder


def big(place: Path, tracks: int) -> Path:
    """Return a library with a number of tracks; it is created once."""
    folder = place / f"library-{tracks}"
    if not (folder / "made").exists():
        big_library.make(folder, tracks)
        with Library.open(folder) as library:
            library.search("calm")
        (folder / "made").touch()
    return folder


def timed(command: list[str]) -> float:
    """Return the duration of a command in seconds."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def forgetting(model: Model) -> Callable[[], None]:
    """Clear the model's cache of texts, so that each is timed as a new one."""

    def forget() -> None:
        for kept in ("_placed", "_read"):
            model.__dict__.pop(kept, None)

    return forget


def elapsed(what: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Return the duration of a call in milliseconds, without that of ``before``."""
    before()
    began = time.perf_counter()
    what()
    return 1000 * (time.perf_counter() - began)


def summary(times: list[float]) -> dict[str, float]:
    """Return median and 95th percentile, in milliseconds."""
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def peak_memory() -> float:
    """Return the peak memory of this process in MB, mapped files included."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return round(next(int(ln.split()[1]) for ln in lines if ln.startswith("VmHWM")) / 1000)


def memory_of_tree(pid: int) -> float:
    """Return the memory of a process and its children in MB; shared pages count for each."""
    total = 0.0
    for process in (pid, *children(pid)):
        try:
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(ln.split()[1]) / 1000 for ln in lines if ln.startswith("VmRSS"))
    return total


def children(pid: int) -> list[int]:
    """Return the child processes of a process."""
    try:
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:
        return []


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(Path(sys.argv[2]))
    else:
        main()
