"""Audio inside other files: members of tar archives, rows of Parquet tables.

``shard.tar!/clip.flac`` is a member of an archive, such as a WebDataset shard;
``table.parquet!/12`` is the twelfth row, counted from 1, of a table whose column ``audio`` holds
bytes, as in Hugging Face data sets. Nothing is unpacked: an archive is read at the member's offset,
a table one row group at a time.
"""

import io
import tarfile
from functools import lru_cache
from pathlib import Path

from tunespace.audio.file_window import FileWindow

TAR, PARQUET = ".tar", ".parquet"
_MARK = "!/"


def split_member_path(path: Path) -> tuple[Path, str] | None:
    """Return the container and the name within it; None for an ordinary file.

    Examples:
        >>> split_member_path(Path("shard.tar!/a.flac"))
        (PosixPath('shard.tar'), 'a.flac')
    """
    for suffix in (TAR, PARQUET):
        container, mark, member = str(path).partition(suffix + _MARK)
        if mark:
            return Path(container + suffix), member
    return None


def member_path(container: Path, name: str | int) -> str:
    """Return the path of a member, relative to the container's folder."""
    return f"{container.name}{_MARK}{name}"


def open_member(container: Path, name: str) -> io.RawIOBase | io.BytesIO:
    """Open a member of a container as a file object.

    Raises:
        KeyError: The container has no such member.
        OSError: The container cannot be read.
    """
    seen = (str(container), *modification_stamp(container))
    if container.suffix == PARQUET:
        return io.BytesIO(_row(*seen, int(name) if name.isdecimal() else 0))
    return FileWindow(container, *_places(*seen)[name])


def exists(path: Path) -> bool:
    """Return whether a file, or a member of a container, exists."""
    member = split_member_path(path)
    if member is None:
        return path.is_file()
    container, name = member
    try:
        seen = (str(container), *modification_stamp(container))
        if container.suffix == PARQUET:
            # The bytes of the row are not read for that: there may be many gigabytes of them.
            return name.isdecimal() and 1 <= int(name) <= sum(_groups(*seen))
        return name in _places(*seen)
    except OSError:
        return False


def modification_stamp(path: Path) -> tuple[int, int]:
    """Return size and modification time of a file, or of the container of a member.

    Raises:
        OSError: The file does not exist.
    """
    member = split_member_path(path)
    status = (path if member is None else member[0]).stat()
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=64)
def _places(container: str, _size: int, _date: int) -> dict[str, tuple[int, int]]:
    """Return the offset and size of each member of an archive."""
    try:
        # Compressed archives have no random access.
        with tarfile.open(container, "r:") as archive:
            return {one.name: (one.offset_data, one.size) for one in archive if one.isfile()}
    except tarfile.TarError as error:
        raise OSError(None, f"is no tar archive: {error}") from error


def _row(container: str, size: int, date: int, number: int) -> bytes:
    """Return the bytes of a row.

    Raises:
        KeyError: There is no such row, or it holds no bytes.
    """
    first = 1
    for group, count in enumerate(_groups(container, size, date)):
        if first <= number < first + count:
            data = _bytes(container, size, date, group)[number - first]
            if data is None:
                break
            return data
        first += count
    raise KeyError(number)


@lru_cache(maxsize=64)
def _groups(container: str, _size: int, _date: int) -> tuple[int, ...]:
    import pyarrow.parquet as parquet

    try:
        known = parquet.ParquetFile(container).metadata
    except ValueError as error:  # ArrowInvalid is a ValueError
        raise OSError(None, f"cannot be read as Parquet: {error}") from error
    return tuple(known.row_group(n).num_rows for n in range(known.num_row_groups))


@lru_cache(maxsize=2)
def _bytes(container: str, _size: int, _date: int, group: int) -> list[bytes | None]:
    import pyarrow.parquet as parquet

    read = parquet.ParquetFile(container).read_row_group(group, columns=["audio.bytes"])
    return [None if row is None else row["bytes"] for row in read["audio"].to_pylist()]
