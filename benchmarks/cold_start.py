"""Measure cold starts of the program: ``python -m benchmarks.cold_start``.

Measures ``tunespace search`` and ``tunespace --help`` in new processes.

Each is compared with a process that only imports numpy and ONNX Runtime, which a search needs in
any case. The commands run in turns on a library of a few synthetic tracks; the fastest of several
runs counts, since other processes can only make a run slower.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

RESULT = Path(__file__).parent / "results" / "cold-start.json"
PROGRAM = str(Path(sys.executable).with_name("tunespace"))
BARE = [sys.executable, "-c", "import numpy, onnxruntime"]


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="runs of each command")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as place:
        environment = os.environ | {"TUNESPACE_LIBRARY": f"{place}/library"}
        write_tracks(Path(place) / "music")
        subprocess.run(
            [PROGRAM, "index", f"{place}/music"], check=True, env=environment, capture_output=True
        )
        commands = {
            "bare_import": BARE,
            "search": [PROGRAM, "search", "jazz piano"],
            "help": [PROGRAM, "--help"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, check=True, env=environment, capture_output=True)
                seconds[name].append(time.perf_counter() - began)
    best = {name: min(times) for name, times in seconds.items()}
    record = {
        "command": "python -m benchmarks.cold_start",
        "runs": runs,
        **{f"{name}_ms": round(1000 * value) for name, value in best.items()},
        "search_over_bare_import": round(best["search"] / best["bare_import"], 2),
        "help_over_bare_import": round(best["help"] / best["bare_import"], 2),
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))


def write_tracks(folder: Path) -> None:
    """Write four tones of five seconds."""
    folder.mkdir()
    for n, hertz in enumerate((110, 220, 440, 880)):
        samples = 0.3 * np.sin(2 * np.pi * hertz * np.arange(5 * 16_000) / 16_000)
        with wave.open(str(folder / f"{n}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes((samples * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
