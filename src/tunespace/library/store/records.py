"""Records that a store reads and writes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunespace.library.tags import Tags


@dataclass(frozen=True)
class Space:
    """Embedding space of one model within a library.

    Attributes:
        id: Id within the store.
        identity: Name and hash of the model.
        source: Name, folder or ``hf:owner/name`` to load the model from.
        dim: Number of dimensions.
    """

    id: int
    identity: str
    source: str
    dim: int


@dataclass(frozen=True)
class Track:
    """Track of a library.

    Attributes:
        id: Id within the library.
        path: Path of the audio file.
        seconds: Length in seconds.
        title: Title tag, or the name of the file if there is none.
        artist: Artist tag; empty if there is none.
        album: Album tag; empty if there is none.
        genre: Genre tag, several genres separated as in the file; empty if there is none.
        year: Year of release; None if unknown.

    Examples:
        >>> from tunespace import Library
        >>> with Library.open("library") as library:
        ...     tracks, total = library.tracks(limit=1)
        >>> total, round(tracks[0].seconds)
        (3, 5)
    """

    id: int
    path: str
    seconds: float
    title: str
    artist: str
    album: str
    genre: str
    year: int | None


@dataclass(frozen=True)
class FileStamp:
    """Size and times of a file, to notice changes without reading it.

    Attributes:
        size: Size in bytes.
        mtime_ns: Modification time in nanoseconds.
        ctime_ns: Time of the last change of the file or its metadata, in nanoseconds; 0 if it is
            unknown. Programs that write tags may set the modification time back, not this one.
    """

    size: int
    mtime_ns: int
    ctime_ns: int = 0


@dataclass(frozen=True)
class FileRecord:
    """State of one file in the store, readable or not.

    Attributes:
        id: Id within the library.
        path: Path of the file.
        stamp: Size and times of the file when it was read.
        content: Hash of the file's content.
        reason: Why the file could not be read; None for a track.
        embedded: Whether the track has an embedding in the space that was asked for.
    """

    id: int
    path: str
    stamp: FileStamp
    content: bytes
    reason: str | None
    embedded: bool


@dataclass(frozen=True)
class TrackEmbedding:
    """Embedding of a file, with everything else that the store keeps about it.

    Attributes:
        content: Hash of the file's content.
        seconds: Length in seconds.
        vector: ``(dim,)`` float32, unit length.
        spans: ``(windows, 2)`` float32, start and end of each window in seconds.
        windows: ``(windows, dim)`` float32, unit rows.
        tags: Tags of the file.
    """

    content: bytes
    seconds: float
    vector: npt.NDArray[np.float32]
    spans: npt.NDArray[np.float32]
    windows: npt.NDArray[np.float32]
    tags: Tags


@dataclass(frozen=True)
class TrackWindows:
    """Window embeddings of a track.

    Attributes:
        spans: ``(windows, 2)`` float32, start and end in seconds.
        vectors: ``(windows, dim)`` int8, unit rows times 127.
    """

    spans: npt.NDArray[np.float32]
    vectors: npt.NDArray[np.int8]
