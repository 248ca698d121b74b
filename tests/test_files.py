import os
import threading
from pathlib import Path

import pytest

from tunespace.files import replacing, write_text

needs_pipes = pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes")


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["figures.json"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    target, link = tmp_path / "lists" / "list.m3u8", tmp_path / "list.m3u8"
    target.write_text("old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@needs_pipes
def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "text")
    reader.join(10)
    assert read == ["text"]
    assert pipe.is_fifo()


@needs_pipes
def test_an_open_file_is_written_to(tmp_path: Path) -> None:
    with (tmp_path / "open").open("wb+") as file:
        write_text(Path(f"/dev/fd/{file.fileno()}"), "text")
        assert (tmp_path / "open").read_text() == "text"
        assert os.fstat(file.fileno()).st_nlink == 1


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no /dev/full")
def test_a_device_that_is_full_is_an_error() -> None:
    with pytest.raises(OSError, match="space"):
        write_text(Path("/dev/full"), "text")
    assert Path("/dev/full").is_char_device()
