"""Clocks that jump, two writers, many readers."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable

from tunespace.errors import LibraryError
from tunespace.library import Library

from .conftest import ROUNDS, Place, State, read_state

MakePlace = Callable[..., Place]
_DATES = (-(10**9), 0, 1, 10**9, 2**31, 2**33, 10**11)


def test_dates_of_files_that_jump_change_nothing(
    place: MakePlace, right: State, chance: random.Random
) -> None:
    here = place()
    for _ in range(ROUNDS):
        for path in here.music.rglob("*.wav"):
            date = chance.choice(_DATES)
            os.utime(path, (date, date))
        here.run("index", here.music)
        assert read_state(here) == right


def test_two_writers_at_once_add_everything_once(place: MakePlace, right: State) -> None:
    here = place(with_library=False)
    for _ in range(max(1, ROUNDS // 10)):
        writers = [here.start("index", here.music, "--workers", 1) for _ in range(2)]
        for writer in writers:
            _, err = writer.communicate()
            assert writer.returncode == 0 or b"another process is writing" in err
        here.run("index", here.music)
        assert read_state(here) == right


def test_fifty_readers_beside_a_writer_get_valid_answers(place: MakePlace, right: State) -> None:
    here = place(with_library=False)
    here.run("index", here.music / "album 0")
    stop = threading.Event()
    problems: list[str] = []
    answers = [0] * 50

    def read(number: int) -> None:
        try:
            with Library.open(here.library, create=False) as library:
                while not stop.is_set():
                    count = len(library.search("low").hits)
                    if count not in range(4, 13):
                        problems.append(f"{count} hits")
                    answers[number] += 1
        except LibraryError as error:
            problems.append(str(error))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    here.run("index", here.music, "--workers", 1)
    here.run("forget", here.music / "album 2")
    here.run("index", here.music, here.music / "album 2", "--workers", 1)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert min(answers) > 0
    assert read_state(here) == right


def test_searches_of_many_processes_beside_a_writer(place: MakePlace, right: State) -> None:
    here = place()
    program = (
        "import sys; from tunespace.library import Library\n"
        "for _ in range(5):\n"
        "    with Library.open(sys.argv[1], create=False) as library:\n"
        "        assert len(library.search('low').hits) in range(4, 13)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    readers = [
        subprocess.Popen([sys.executable, "-c", program, here.library], env=environment)  # noqa: S603
        for _ in range(4)
    ]
    here.run("forget", here.music / "album 1")
    here.run("index", here.music, here.music / "album 1")
    assert [reader.wait() for reader in readers] == [0] * 4
    assert read_state(here) == right
