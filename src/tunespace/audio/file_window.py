"""Part of a file as a file object."""

import io
from pathlib import Path


class FileWindow(io.RawIOBase):
    """Part of a file, with some of its bytes replaced."""

    def __init__(
        self, path: Path, start: int, size: int, *, patch: tuple[int, bytes] | None = None
    ) -> None:
        """Open a file.

        Args:
            path: Path of the file.
            start: Offset of the part in bytes.
            size: Length of the part in bytes.
            patch: Offset within the part, and the bytes that stand there instead of its own.
        """
        super().__init__()
        self._file = path.open("rb")
        self._start, self._size, self._at = start, size, 0
        self._patch = patch

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to an offset within the part, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the offset within the part."""
        return self._at

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read bytes into a buffer, and return their number."""
        at = self._at
        self._file.seek(self._start + at)
        chunk = bytearray(self._file.read(min(len(buffer), max(0, self._size - at))))
        count = len(chunk)
        if self._patch is not None:
            offset, data = self._patch
            first, last = max(at, offset), min(at + count, offset + len(data))
            if first < last:
                chunk[first - at : last - at] = data[first - offset : last - offset]
        buffer[:count] = chunk
        self._at += count
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
