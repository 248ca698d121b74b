"""Several processes that listen to files at once.

Own processes and not a pool: a file that crashes the decoder costs one process and one line in the
report, and a script that indexes needs no guard around its main part.
"""

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from pathlib import Path

from tunespace.library.store import Embedded
from tunespace.library.worker import Unheard, hash_of

_COMMAND = "import sys; from tunespace.library.worker import serve; serve(sys.argv[1])"

Answer = tuple[str, Embedded | Unheard]


def listen_to_all(paths: Iterable[str], model: Path, workers: int) -> Generator[Answer, None, None]:
    """Listens to files in several processes.

    Args:
        paths: Of the files.
        model: Folder of the model.
        workers: Number of processes.

    Yields:
        Path and result, in the order in which they are done.
    """
    left: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    # Bounded, so that results wait here and not in memory when the store is slow.
    done: queue.Queue[Answer | BaseException | None] = queue.Queue(4 * workers)
    for path in paths:
        left.put(path)
    for _ in range(workers):
        left.put(None)
    stop = threading.Event()
    running: set[subprocess.Popen[bytes]] = set()
    threads = [
        threading.Thread(target=_feed, args=(left, done, model, stop, running), daemon=True)
        for _ in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        ended = 0
        while ended < workers:
            answer = done.get()
            if answer is None:
                ended += 1
            elif isinstance(answer, BaseException):
                raise answer
            else:
                yield answer
    finally:
        stop.set()
        for process in list(running):  # whoever stops must not wait for a three-hour mix
            process.kill()
        for thread in threads:
            while thread.is_alive():
                with suppress(queue.Empty):
                    done.get(timeout=0.05)


def _feed(
    left: "queue.SimpleQueue[str | None]",
    done: "queue.Queue[Answer | BaseException | None]",
    model: Path,
    stop: threading.Event,
    running: "set[subprocess.Popen[bytes]]",
) -> None:
    """Runs one worker process, and a new one when it crashed."""
    process = _start(model)
    running.add(process)
    try:
        while not stop.is_set() and (path := left.get()) is not None:
            try:
                done.put((path, _ask(process, path)))
            except (EOFError, OSError, pickle.UnpicklingError):
                running.discard(process)
                code = _end(process)
                if stop.is_set():
                    break
                reason = f"ended the process that decoded it (exit code {code})"
                done.put((path, Unheard(hash_of(path), reason)))
                process = _start(model)
                running.add(process)
    except BaseException as error:  # noqa: BLE001 - raised again where the results are read
        done.put(error)
    finally:
        running.discard(process)
        process.kill()
        _end(process)
        done.put(None)


def _ask(process: "subprocess.Popen[bytes]", path: str) -> Embedded | Unheard:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a worker has no pipes")
    pickle.dump(path, process.stdin)
    process.stdin.flush()
    answer: Embedded | Unheard = pickle.load(process.stdout)  # noqa: S301 - from our own process
    return answer


def _end(process: "subprocess.Popen[bytes]") -> int:
    """Closes the pipes of a process that ends, and waits for it."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was not written yet cannot be
                pipe.close()
    return process.wait()


def _start(model: Path) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        # One thread each: there are as many processes as cores.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-c", _COMMAND, str(model)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        # An interrupt from the keyboard is the parent's to handle.
        start_new_session=True,
    )
