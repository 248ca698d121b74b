"""A library: a folder that knows music and finds it."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from platformdirs import user_data_path

from tunespace.errors import LibraryError, QueryError
from tunespace.library.index.indexer import IndexReport, Progress, index
from tunespace.library.query import AudioFileRef, Query, QueryTerm, Refinement, Text, TrackRef
from tunespace.library.search.describe import DescriptiveWord, describe
from tunespace.library.search.facets import FacetValue, facets
from tunespace.library.search.filter_parser import Where, parse_where
from tunespace.library.search.interpolate import path_between
from tunespace.library.search.searcher import Hit, Moment, Searcher
from tunespace.library.store.sqlite import Store, Track
from tunespace.library.store.vector_matrix import MatrixCache
from tunespace.models import Model, load_model


def default_library_folder() -> Path:
    """Where the library lies when nothing else is said."""
    named = os.environ.get("TUNESPACE_LIBRARY")
    return Path(named).expanduser() if named else user_data_path("tunespace")


class Library:
    """A searchable collection.

    Searching needs the model that the library was indexed with; it is found by what the library
    remembers, and loaded when it is needed.

    Attributes:
        folder: Where it lies.
        matrices: Hold all vectors; several libraries of one folder may share them, to be set before
            the first search.
    """

    def __init__(self, store: Store, model: str | Model | None = None) -> None:
        """Takes an open store; ``open`` opens one."""
        self.folder = store.folder
        self.matrices = MatrixCache()
        self._store = store
        self._model = model

    @classmethod
    def open(
        cls,
        folder: str | PathLike[str] | None = None,
        *,
        model: str | Model | None = None,
        create: bool = True,
        any_thread: bool = False,
    ) -> Self:
        """Opens a library.

        Args:
            folder: Its place; none for the default.
            model: What to index with: a bundled name, a folder or ``hf:owner/name``; none for the
                model that the library has, or the default for a new one. Or a model that is loaded,
                which several libraries may share.
            create: Whether it is made when it is missing.
            any_thread: Whether other threads than this one may use it, one at a time.

        Raises:
            LibraryError: It cannot be opened, or is missing and must not be made.
        """
        place = Path(folder).expanduser() if folder is not None else default_library_folder()
        return cls(Store(place, create=create, any_thread=any_thread), model)

    def __enter__(self) -> Self:
        """Gives itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the library."""
        self.close()

    def close(self) -> None:
        """Closes the files of the library."""
        self._store.close()

    def __len__(self) -> int:
        """Number of tracks that can be found."""
        return self._store.count()

    def index(
        self,
        paths: Iterable[str | PathLike[str]],
        *,
        exclude: Iterable[str] | None = None,
        workers: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Adds or updates music.

        Args:
            paths: Folders or files.
            exclude: Patterns, as in ``.gitignore``, of what is left out from now on, also of what
                the library has; none for those of the last run.
            workers: Processes; one for each core where it is not given.
            on_progress: Told after each file.

        Raises:
            LibraryError: A path does not exist, a pattern cannot be read, another process is
                writing, or the disk is full.
            ModelError: The model cannot be used.
        """
        roots = [Path(path).expanduser() for path in paths]
        space = self._store.active_space
        if isinstance(self._model, Model):
            model, source = self._model, str(self._model.folder)
        else:
            source = self._model or (space.source if space else "") or ""
            model = load_model(source or None)
        report = index(
            self._store,
            model,
            source,
            roots,
            exclude=None if exclude is None else list(exclude),
            workers=workers,
            on_progress=on_progress,
        )
        self.__dict__.pop("_searcher", None)
        return report

    def search(
        self,
        query: str | Query,
        *,
        limit: int = 20,
        where: str = "",
        min_score: float = 0.0,
        per_artist: int | None = None,
    ) -> list[Hit]:
        """Finds music.

        Args:
            query: Words, or a whole ``Query``, beside which the other arguments do not count.
            limit: Most hits.
            where: A filter on metadata, such as ``year >= 1990 and genre = "Jazz"``.
            min_score: Hits below this score (0..100) are left out.
            per_artist: Most hits of one artist.

        Raises:
            QueryError: The query is empty or cannot be read.
            LibraryError: The library is empty, or its model is not to be had.
        """
        if isinstance(query, str):
            if not query.strip():
                raise QueryError("the query is empty: describe the music in a few words")
            query = Query(
                terms=(QueryTerm(Text(query)),),
                limit=limit,
                where=where,
                min_score=min_score,
                per_artist=per_artist,
            )
        return self._searcher.search(query)

    def moments(self, query: Query, track: Track) -> list[Moment]:
        """How well each stretch of a track fits a query, in the order of time."""
        return self._searcher.moments(query, track.id)

    def facets(self, *, where: str = "", most: int = 20) -> dict[str, list[FacetValue]]:
        """Genres, decades, artists, folders and lengths of what a filter leaves, counted.

        Raises:
            QueryError: The filter cannot be read.
        """
        return facets(self._store, _kept(where), most)

    def score_tracks(self, query: Query) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """How well every track fits a query, names and windows aside.

        Returns:
            ``(tracks,)`` ids, ascending, and ``(tracks,)`` float32 scores, 0..100.
        """
        return self._searcher.score_tracks(query)

    def path_between(self, start: Track, end: Track, *, count: int = 10) -> list[Track]:
        """Tracks from one to another in even steps, both counted.

        Raises:
            QueryError: One of them has not been heard.
        """
        matrix = self._searcher.current_matrix()
        rows = [matrix.rows_of({track.id}) for track in (start, end)]
        for track, row in zip((start, end), rows, strict=True):
            if not len(row):
                raise QueryError(f"{track.title} has not been heard yet")
        found = path_between(matrix, int(rows[0][0]), int(rows[1][0]), count)
        return self.tracks_by_id([int(id_) for id_ in matrix.ids[found]])

    def refine(self, remark: str, shown: Sequence[int]) -> Refinement:
        """What somebody means who sees some tracks and says "calmer", or "like the second one"."""
        from tunespace.library.search.refinement import refine  # its patterns take a search 15 ms

        words = self.model.lexicon_vectors
        return refine(remark, shown, words.lexicon if words else None)

    def common_folder(self) -> str:
        """The folder that all files of the library lie in."""
        # What the first and the last path share, all between them share as well.
        [(first, last)] = self._store.select(
            "SELECT min(path), max(path) FROM tracks WHERE reason IS NULL"
        )
        ends = [os.path.dirname(os.fsdecode(path or b"")) for path in (first, last)]
        return os.path.commonpath(ends) if all(ends) else ""

    def embeddings(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """``(tracks,)`` ids, ascending, and ``(tracks, dim)`` float32 unit rows: all there is."""
        matrix = self._searcher.current_matrix()
        return matrix.ids, matrix.vectors

    @property
    def generation(self) -> int:
        """Counts the changes of the library."""
        return self._store.generation

    def genre_keys(self) -> list[tuple[int, list[str]]]:
        """Of each track that has one, its genres as folded keys."""
        rows = self._store.select(
            "SELECT id, genre_key FROM tracks WHERE reason IS NULL AND length(genre_key) > 2"
        )
        return [(id_, keys.strip(",").split(",")) for id_, keys in rows]

    def tracks_by_id(self, ids: Sequence[int]) -> list[Track]:
        """Tracks in the order that is asked for; what is not there is left out."""
        found = self._store.tracks(ids)
        return [found[id_] for id_ in ids if id_ in found]

    def slips(self, text: str) -> tuple[tuple[str, str], ...]:
        """What a query has with a slip of the finger, and what it is read as: typed, meant."""
        return self._searcher.slips(text)

    def similar(self, track: str | PathLike[str] | Track, *, limit: int = 20) -> list[Hit]:
        """Neighbours of a track of the library, or of any file."""
        return self.search(Query(terms=(QueryTerm(_likeness(track)),), limit=limit))

    def describe(
        self, track: str | PathLike[str] | Track, *, top: int = 5
    ) -> dict[str, list[DescriptiveWord]]:
        """The words that fit a track best, by kind: genre, mood, instrument, voice, tempo, use.

        Args:
            track: Of the library, or any file.
            top: Most words of each kind.

        Raises:
            AudioError: The file cannot be read.
            ModelError: The model has no lexicon.
        """
        return describe(self.model, self.vector_of(track), self._searcher.matrix.vectors, top=top)

    def vector_of(self, track: str | PathLike[str] | Track) -> npt.NDArray[np.float32]:
        """``(dim,)`` float32, unit length: where a track, or any file, lies.

        Raises:
            QueryError: The library does not have the track any more.
            AudioError: The file cannot be read.
        """
        return self._searcher.vector_of(_likeness(track))

    def track(self, id_: int) -> Track | None:
        """A track by its id; none where the library has none of it."""
        found = self.tracks_by_id([id_])
        return found[0] if found else None

    def tracks(
        self, *, where: str = "", start: int = 0, limit: int = 100
    ) -> tuple[list[Track], int]:
        """A stretch of what a filter leaves, in the order of ids, and how many it leaves in all.

        Raises:
            QueryError: The filter cannot be read.
        """
        kept = _kept(where)
        condition = f"reason IS NULL AND ({kept.sql})"
        [(total,)] = self._store.select(
            f"SELECT count(*) FROM tracks WHERE {condition}", kept.parameters
        )
        rows = self._store.select(
            f"SELECT id FROM tracks WHERE {condition} ORDER BY id LIMIT ? OFFSET ?",
            (*kept.parameters, limit, start),
        )
        ids = [id_ for (id_,) in rows]
        found = self._store.tracks(ids)
        return [found[id_] for id_ in ids], total

    def roots(self) -> list[str]:
        """The folders that were indexed."""
        return self._store.roots

    def excluded(self) -> list[str]:
        """The patterns of what is left out."""
        return self._store.excluded

    def failures(self) -> list[tuple[str, str]]:
        """Path and reason of each file that could not be read."""
        return self._store.failures()

    def count_failed(self) -> int:
        """How many files could not be read."""
        [(count,)] = self._store.select("SELECT count(*) FROM tracks WHERE reason IS NOT NULL")
        return int(count)

    def count_missing(self) -> int:
        """How many tracks have lost their file since the last run of ``index``."""
        rows = self._store.select("SELECT path FROM tracks WHERE reason IS NULL")
        return sum(not os.path.exists(path) for (path,) in rows)

    def check_integrity(self) -> str:
        """What is wrong with the library's file; empty where nothing is."""
        [(found,), *_] = self._store.select("PRAGMA quick_check")
        return "" if found == "ok" else str(found)

    def find_track(self, name: str) -> Track | None:
        """The track of a path, or else the one whose names hold every word of ``name``."""
        path = os.fsencode(os.path.realpath(os.path.expanduser(name)))
        rows = self._store.select(
            "SELECT id FROM tracks WHERE path = ? AND reason IS NULL", (path,)
        )
        words = "".join(c if c.isalnum() else " " for c in name).split()
        if not rows and words:
            match = " ".join(f'"{word}"' for word in words)
            rows = self._store.select(
                "SELECT rowid FROM names WHERE names MATCH ? ORDER BY rank LIMIT 1", (match,)
            )
        return self._store.tracks([rows[0][0]]).get(rows[0][0]) if rows else None

    @cached_property
    def model(self) -> Model:
        """The model that the library was indexed with.

        Raises:
            LibraryError: The library is empty, or the model is another now.
        """
        space = self._store.active_space
        if space is None:
            raise LibraryError(
                f"the library in {self.folder} is empty: run `tunespace index PATH` first"
            )
        given = self._model
        model = given if isinstance(given, Model) else load_model(given or space.source or None)
        if model.identity != space.identity:
            raise LibraryError(
                f"the library in {self.folder} was indexed with {space.identity}, not with "
                f"{model.identity}: search with that model, or run `tunespace index PATH` with "
                "this one, which listens to all tracks again"
            )
        return model

    @cached_property
    def _searcher(self) -> Searcher:
        model = self.model
        space = self._store.active_space
        if space is None:
            raise LibraryError(f"the library in {self.folder} is empty")
        return Searcher(self._store, model, space, self.matrices)


def _kept(where: str) -> Where:
    return parse_where(where) if where.strip() else Where("1", ())


def _likeness(track: str | PathLike[str] | Track) -> AudioFileRef | TrackRef:
    return TrackRef(track.id) if isinstance(track, Track) else AudioFileRef(track)
