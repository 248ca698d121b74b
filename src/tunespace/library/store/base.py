"""Protocol of a store: everything that indexing and search ask of the data behind a library."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from tunespace.library.store.filters import Filter
from tunespace.library.store.records import (
    FileRecord,
    FileStamp,
    Space,
    Track,
    TrackEmbedding,
    TrackWindows,
)
from tunespace.library.tags import Tags
from tunespace.models import Model

FacetField = Literal["genre", "artist", "decade", "folder"]


class Store(Protocol):
    """Tracks, tags and embeddings of a library.

    Embeddings belong to a space, the identity of the model that made them; embeddings of different
    models are never mixed. A file that could not be read is recorded with its reason and is no
    track: methods that return tracks skip it.
    """

    @property
    def folder(self) -> Path:
        """Folder of the library."""

    @property
    def identity(self) -> str:
        """Random name of the library."""

    @property
    def generation(self) -> int:
        """Number of transactions that changed the store."""

    @property
    def revision(self) -> str:
        """Name of the current content: no other content has it, in this or another library."""

    @property
    def active_space(self) -> Space | None:
        """Space that is searched; None before the first run of indexing."""

    @property
    def roots(self) -> list[str]:
        """Folders that were indexed, without those inside another one."""

    @property
    def excluded(self) -> list[str]:
        """Exclude patterns of the last run of indexing."""

    @property
    def forgotten(self) -> list[str]:
        """Folders below the roots that are not indexed any more."""

    @property
    def is_replaced(self) -> bool:
        """True if the data is not that which was opened: it was deleted, or restored."""

    def close(self) -> None:
        """Close the store."""

    def reopen(self) -> "Store":
        """Open the same store again, for use in another thread."""

    def integrity_error(self) -> str:
        """Check the data and return what is damaged; empty if nothing is."""

    # Tracks

    def count(self, where: Filter | None = None) -> int:
        """Return the number of tracks, or of those that match a filter."""

    def list_ids(self, where: Filter | None, start: int, limit: int) -> list[int]:
        """Return ids of matching tracks in ascending order, ``limit`` of them from ``start`` on."""

    def matching_ids(
        self, where: Filter, among: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.int64]:
        """Return ids of the tracks that match a filter, among some ids or all."""

    def tracks(self, ids: Sequence[int]) -> dict[int, Track]:
        """Return tracks by id; ids without a track are missing from the result."""

    def track_paths(self) -> list[str]:
        """Return the paths of all tracks."""

    def path_bounds(self) -> tuple[str, str]:
        """Return the first and the last path in the order of bytes; empty if there is no track."""

    def count_by(self, field: FacetField, where: Filter | None) -> list[tuple[str, int]]:
        """Return the values of a field with the number of matching tracks that have each."""

    def genre_keys(self) -> list[tuple[int, list[str]]]:
        """Return id and normalised genres of each track that has a genre."""

    # Names

    def id_of_path(self, path: str) -> int | None:
        """Return the id of the track with a real path; None if there is none."""

    def ids_below(self, folder: str) -> list[int]:
        """Return ids of the files, tracks or not, in a folder and its subfolders."""

    def ids_at(self, path: str) -> list[int]:
        """Return ids of the files, tracks or not, at a path: a file, or a folder with all below."""

    def tags(self, id_: int) -> Tags:
        """Return the tags of a track; empty for an unknown id."""

    def total_seconds(self) -> float:
        """Return the length of all tracks in seconds."""

    def ids_of_artists(self, keys: Iterable[str]) -> set[int]:
        """Return ids of the tracks of some artists, given as normalised names."""

    def ids_of_title(self, key: str, limit: int) -> set[int]:
        """Return ids of tracks with a normalised title."""

    def ids_matching_names(
        self, words: Sequence[str], limit: int, *, ranked: bool = False
    ) -> list[int]:
        """Return ids of tracks that have all words in title, artist or album.

        Args:
            words: Words, without punctuation.
            limit: Maximum number of ids.
            ranked: Whether the best matches come first.
        """

    def existing_artists(self, keys: Iterable[str]) -> set[str]:
        """Return those of some normalised artist names that the library has."""

    # Embeddings

    def windows(self, ids: Sequence[int], space: Space) -> dict[int, TrackWindows]:
        """Return the window embeddings of tracks by id."""

    def vectors(self, space: Space) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return ``(tracks,)`` ids, ascending, and ``(tracks, dim)`` embeddings of a space."""

    def last_vector_id(self, space: Space) -> int:
        """Return the number of the embedding that was stored last; 0 if there is none."""

    def vectors_since(
        self, space: Space, vector_id: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], int]:
        """Return ids and embeddings stored after an embedding, and the number of all embeddings.

        The total is lower than expected if tracks were deleted.
        """

    # Files that could not be read

    def failures(self) -> list[tuple[str, str]]:
        """Return path and reason of each file that could not be read."""

    def count_failures(self) -> int:
        """Return the number of files that could not be read."""

    # Writing: each method below is called within ``writing``

    def writing(self) -> AbstractContextManager[None]:
        """Open a transaction: everything within it is stored, or nothing.

        Raises:
            LibraryError: The disk is full or the store is not writable; nothing was changed.
        """

    def file_records(self, space: Space) -> list[FileRecord]:
        """Return the record of every known file."""

    def known_files(self) -> list[FileRecord]:
        """Return the record of every known file, in the active space."""

    def ensure_space(self, model: Model, source: str) -> Space:
        """Return the space of a model, created if the library has none."""

    def activate(self, space: Space) -> None:
        """Make a space the searched one, and delete all others."""

    def add_roots(self, folders: Iterable[str]) -> None:
        """Add folders to ``roots``."""

    def set_roots(self, folders: Iterable[str]) -> None:
        """Replace ``roots``."""

    def set_excluded(self, patterns: Sequence[str]) -> None:
        """Replace ``excluded``."""

    def set_forgotten(self, folders: Iterable[str]) -> None:
        """Replace ``forgotten``."""

    def save_track(
        self, path: str, stamp: FileStamp, embedding: TrackEmbedding, space: Space
    ) -> None:
        """Store a track, and replace what is stored under its path."""

    def save_failure(self, path: str, stamp: FileStamp, content: bytes, reason: str) -> None:
        """Store why a file could not be read."""

    def move_track(self, id_: int, path: str, stamp: FileStamp) -> None:
        """Store a new path or new times of a track whose content is unchanged."""

    def save_tags(self, id_: int, path: str, tags: Tags) -> None:
        """Store the tags of a track."""

    def remove_tracks(self, ids: Iterable[int]) -> None:
        """Delete files, tracks or not."""

    def retire_tracks(self, ids: Iterable[int], space: Space) -> None:
        """Delete files, and keep the embeddings of tracks for a while: they may come back."""

    def retired_records(self, space: Space) -> list[FileRecord]:
        """Return the records of retired tracks that have an embedding in a space."""

    def restore_track(self, id_: int, path: str, stamp: FileStamp) -> None:
        """Make a track of a retired one, under the same id, whose content is at a path again."""
