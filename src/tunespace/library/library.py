"""Public API of a music library: index files and search them."""

import os
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from tunespace.errors import LibraryError, NoLibraryError, QueryError
from tunespace.files import is_gone
from tunespace.library.store.base import Store
from tunespace.library.store.records import Track
from tunespace.library.store.sqlite import SqliteStore
from tunespace.library.store.vector_matrix import MatrixCache
from tunespace.models import Model, load_model

# Methods import what they need: a search loads the text tower meanwhile.
if TYPE_CHECKING:
    from tunespace.library.index.report import IndexReport, Progress, RelocateReport
    from tunespace.library.query import AudioFileRef, Query, Refinement, TrackRef
    from tunespace.library.search.describe import DescriptiveWord
    from tunespace.library.search.facets import FacetValue
    from tunespace.library.search.result import Moment, SearchResult
    from tunespace.library.search.searcher import Searcher


def default_library_folder() -> Path:
    """Return the default library folder: ``$TUNESPACE_LIBRARY``, else the user data folder.

    Examples:
        >>> default_library_folder().is_absolute()
        True
    """
    folder = os.environ.get("TUNESPACE_LIBRARY")
    if folder:
        return Path(folder).expanduser()
    from platformdirs import user_data_path

    return user_data_path("tunespace")


class Library:
    """Searchable music collection in a folder.

    A search needs the model that the library was indexed with. The library records which one that
    is, and loads it on first use.

    Attributes:
        folder: Folder of the library.

    Examples:
        >>> with Library.open("library") as library:
        ...     result = library.search("slow strings", where="seconds < 10", limit=2)
        >>> len(result.hits)
        2
    """

    def __init__(
        self,
        store: Store,
        model: str | Model | None = None,
        *,
        matrix_cache: MatrixCache | None = None,
    ) -> None:
        """Take an open store; ``Library.open`` opens one.

        Args:
            store: Store of the library.
            model: Model, as in ``open``.
            matrix_cache: Embedding matrix, as in ``open``.
        """
        self.folder = store.folder
        self._store = store
        self._model = model
        self._matrix_cache = matrix_cache or MatrixCache()
        self._loaded_model: Model | None = None
        self._searcher: Searcher | None = None

    @classmethod
    def open(
        cls,
        folder: str | PathLike[str] | None = None,
        *,
        model: str | Model | None = None,
        create: bool = True,
        any_thread: bool = False,
        matrix_cache: MatrixCache | None = None,
    ) -> Self:
        """Open a library.

        Args:
            folder: Folder of the library; None for ``default_library_folder()``.
            model: Model to index with: name of a bundled model, folder or ``hf:owner/name``; None
                for the library's own model, or the default model for a new library. A loaded model
                may be shared by several libraries.
            create: Whether to create a missing library.
            any_thread: Whether threads other than the current one may use the library, one at a
                time.
            matrix_cache: Embedding matrix to share with other ``Library`` objects of one folder.

        Raises:
            LibraryError: The library cannot be opened, or is missing and must not be created.

        Examples:
            >>> import tempfile
            >>> with Library.open(tempfile.mkdtemp()) as library:
            ...     len(library)
            0
        """
        path = Path(folder).expanduser() if folder is not None else default_library_folder()
        store = SqliteStore(path, create=create, any_thread=any_thread)
        return cls(store, model, matrix_cache=matrix_cache)

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the library."""
        self.close()

    def close(self) -> None:
        """Close the files of the library."""
        self._store.close()

    def __len__(self) -> int:
        """Return the number of tracks."""
        return self._store.count()

    @property
    def generation(self) -> int:
        """Number of transactions that changed the library."""
        return self._store.generation

    @property
    def identity(self) -> str:
        """Random name of the library: a new library in the same folder has another one."""
        return self._store.identity

    @property
    def is_replaced(self) -> bool:
        """True if another library is in the folder now: this one was deleted, or restored."""
        return self._store.is_replaced

    @property
    def revision(self) -> str:
        """Name of the current content: no other content has it, in this or another library."""
        return self._store.revision

    @property
    def model_identity(self) -> str:
        """Identity of the model that the library was indexed with; empty for an empty library."""
        space = self._store.active_space
        return space.identity if space else ""

    @property
    def model(self) -> Model:
        """Model that the library was indexed with.

        Raises:
            LibraryError: The library is empty, or was indexed with another model than the given.
        """
        if self._loaded_model is None:
            self._loaded_model = self._load_model()
        return self._loaded_model

    def preload(self) -> None:
        """Start to open the text tower in a thread, while the caller prepares a query.

        Raises:
            LibraryError: The library is empty, or was indexed with another model than the given.
            ModelError: The text tower is missing or modified.

        Examples:
            >>> with Library.open("library") as library:
            ...     library.preload()
            ...     hits = library.search("slow strings").hits
        """
        self.model.preload_text_tower()

    def index(
        self,
        paths: Iterable[str | PathLike[str]],
        *,
        exclude: Iterable[str] | None = None,
        reread: bool = False,
        workers: int | None = None,
        on_progress: "Callable[[Progress], None] | None" = None,
    ) -> "IndexReport":
        """Add new music, and update what has changed.

        Args:
            paths: Folders or files.
            exclude: Patterns, as in ``.gitignore``, of files to leave out from now on; tracks of
                the library that match are removed. None for the patterns of the last run.
            reread: Whether the tags of unchanged files are read again, too.
            workers: Number of processes; None for one per core.
            on_progress: Called after each file.

        Raises:
            LibraryError: A path does not exist, a pattern is not valid, another process is
                writing, or the disk is full.
            ModelError: The model cannot be used.
        """
        from tunespace.library.index.indexer import index  # a search does not need it

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
            reread=reread,
            workers=workers,
            on_progress=on_progress,
        )
        self._searcher = None
        return report

    def forget(self, folder: str | PathLike[str]) -> int:
        """Remove the tracks in a folder that were indexed, and stop indexing the folder.

        The files are not touched. The folder need not exist. It is indexed again when ``index`` is
        called with its name, or with that of a folder inside.

        Returns:
            Number of removed tracks.

        Raises:
            LibraryError: Nothing in the folder was indexed, or another process is writing.
        """
        from tunespace.library.index.indexer import forget

        count = forget(self._store, Path(folder).expanduser())
        self._searcher = None
        return count

    def relocate(self, old: str | PathLike[str], new: str | PathLike[str]) -> "RelocateReport":
        """Change the folder of tracks that were moved with all of their files.

        The files are not read; the next run of ``index`` compares their content.

        Args:
            old: Folder that was indexed; it need not exist any more.
            new: Folder that has its files now.

        Raises:
            LibraryError: Nothing in ``old`` was indexed, ``new`` is no folder, or another process
                is writing.
        """
        from tunespace.library.index.indexer import relocate

        report = relocate(self._store, Path(old).expanduser(), Path(new).expanduser())
        self._searcher = None
        return report

    def search(
        self,
        query: "str | Query",
        *,
        limit: int = 20,
        where: str = "",
        min_score: float = 0.0,
        per_artist: int | None = None,
    ) -> "SearchResult":
        """Search the library.

        Args:
            query: Words, or a complete ``Query``, with which the other arguments are ignored.
            limit: Maximum number of hits.
            where: Filter on metadata, such as ``year >= 1990 and genre = "Jazz"``.
            min_score: Hits below this score (0 to 100) are left out.
            per_artist: Maximum number of hits of one artist; None for no limit.

        Returns:
            The hits, best first, and how the query was understood.

        Raises:
            QueryError: The query is empty or not valid.
            LibraryError: The library is empty, or its model is not available.
        """
        if isinstance(query, str):
            from tunespace.library.query import Query, QueryTerm, Text

            if not query.strip():
                raise QueryError("the query is empty: describe the music in a few words")
            query = Query(
                terms=(QueryTerm(Text(query)),),
                limit=limit,
                where=where,
                min_score=min_score,
                per_artist=per_artist,
            )
        return self._open_searcher().search(query)

    def similar(self, track: str | PathLike[str] | Track, *, limit: int = 20) -> "SearchResult":
        """Return the nearest tracks of a track of the library, or of any audio file."""
        from tunespace.library.query import Query, QueryTerm

        return self.search(Query(terms=(QueryTerm(_reference(track)),), limit=limit))

    def moments(self, query: "Query", track: Track) -> "list[Moment]":
        """Return the score of each window of a track for a query, in order of time.

        Raises:
            QueryError: The query is empty or not valid.
        """
        return self._open_searcher().moments(query, track.id)

    def score_tracks(self, query: "Query") -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return the score of every track for a query, without names and windows.

        Returns:
            ``(tracks,)`` int64 ids, ascending, and ``(tracks,)`` float32 scores, 0 to 100.
        """
        return self._open_searcher().score_tracks(query)

    def refine(self, remark: str, shown: Sequence[int]) -> "Refinement":
        """Parse a remark on search results, such as "calmer" or "more like the second one".

        Args:
            remark: The remark.
            shown: Ids of the tracks that the remark refers to, in the order shown.
        """
        from tunespace.library.search.refinement import refine

        words = self.model.lexicon_vectors
        return refine(remark, shown, words.lexicon if words else None)

    def facets(self, *, where: str = "", most: int = 20) -> "dict[str, list[FacetValue]]":
        """Count genres, decades, artists, folders and lengths of the tracks that match a filter.

        Args:
            where: Filter on metadata; empty for all tracks.
            most: Maximum number of values of each facet.

        Raises:
            QueryError: The filter is not valid.
        """
        from tunespace.library.search.facets import facets
        from tunespace.library.search.filter_parser import parse_optional_filter

        return facets(self._store, parse_optional_filter(where), most)

    def path_between(self, start: Track, end: Track, *, count: int = 10) -> list[Track]:
        """Return a path of tracks from one to another in even steps, both included.

        Raises:
            QueryError: One of them has no embedding yet.
        """
        from tunespace.library.search.interpolate import path_between

        matrix = self._open_searcher().matrix
        rows = [matrix.rows_of({track.id}) for track in (start, end)]
        for track, row in zip((start, end), rows, strict=True):
            if not len(row):
                raise QueryError(f"{track.title} is not indexed yet")
        path = path_between(matrix, int(rows[0][0]), int(rows[1][0]), count)
        return self.tracks_by_id([int(id_) for id_ in matrix.ids[path]])

    def describe(
        self, track: str | PathLike[str] | Track, *, top: int = 5
    ) -> "dict[str, list[DescriptiveWord]]":
        """Return the words that match a track best, by kind: genre, mood, instrument, voice, ...

        Args:
            track: Track of the library, or any audio file.
            top: Maximum number of words of each kind.

        Raises:
            AudioError: The file cannot be read.
            ModelError: The model has no lexicon.
        """
        from tunespace.library.search.describe import describe

        collection = self._open_searcher().matrix.vectors
        return describe(self.model, self.vector_of(track), collection, top=top)

    def vector_of(self, track: str | PathLike[str] | Track) -> npt.NDArray[np.float32]:
        """Return the ``(dim,)`` float32 unit embedding of a track, or of any audio file.

        Raises:
            QueryError: The track is not in the library any more.
            AudioError: The file cannot be read.
        """
        return self._open_searcher().vector_of(_reference(track))

    def embeddings(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return ``(tracks,)`` int64 ids, ascending, and ``(tracks, dim)`` float32 unit rows."""
        matrix = self._open_searcher().matrix
        return matrix.ids, matrix.vectors

    def track(self, id_: int) -> Track | None:
        """Return a track by its id; None if there is none."""
        return self._store.tracks([id_]).get(id_)

    def tracks_by_id(self, ids: Sequence[int]) -> list[Track]:
        """Return tracks in the order of their ids; ids without a track are left out."""
        tracks = self._store.tracks(ids)
        return [tracks[id_] for id_ in ids if id_ in tracks]

    def tracks(
        self, *, where: str = "", start: int = 0, limit: int = 100
    ) -> tuple[list[Track], int]:
        """Return a page of the tracks that match a filter, by id, and the number of all of them.

        Raises:
            QueryError: The filter is not valid.
        """
        from tunespace.library.search.filter_parser import parse_optional_filter

        condition = parse_optional_filter(where)
        ids = self._store.list_ids(condition, start, limit)
        return self.tracks_by_id(ids), self._store.count(condition)

    def find_track(self, name: str) -> Track | None:
        """Return the track at a path, or the best match of a title, artist and album.

        Args:
            name: Path of a file, or words of title, artist and album.
        """
        id_ = self._store.id_of_path(os.path.realpath(os.path.expanduser(name)))
        words = "".join(c if c.isalnum() else " " for c in name).split()
        if id_ is None and words:
            matches = self._store.ids_matching_names(words, 1, ranked=True)
            id_ = matches[0] if matches else None
        return self.track(id_) if id_ is not None else None

    def genre_keys(self) -> list[tuple[int, list[str]]]:
        """Return id and normalised genres of each track that has a genre."""
        return self._store.genre_keys()

    def common_folder(self) -> str:
        """Return the deepest folder that contains all files of the library; empty if none does."""
        # What the first and the last path have in common, all paths between them have as well.
        ends = [os.path.dirname(path) for path in self._store.path_bounds()]
        return os.path.commonpath(ends) if all(ends) else ""

    def roots(self) -> list[str]:
        """Return the folders that were indexed."""
        return self._store.roots

    def excluded(self) -> list[str]:
        """Return the exclude patterns of the last run of indexing."""
        return self._store.excluded

    def forgotten(self) -> list[str]:
        """Return the folders below the indexed ones that are not indexed any more."""
        return self._store.forgotten

    def failures(self) -> list[tuple[str, str]]:
        """Return path and reason of each file that could not be read."""
        return self._store.failures()

    def total_seconds(self) -> float:
        """Return the length of all tracks in seconds."""
        return self._store.total_seconds()

    def count_failed(self) -> int:
        """Return the number of files that could not be read."""
        return self._store.count_failures()

    def count_missing(self) -> int:
        """Return the number of tracks whose file has been deleted since it was indexed."""
        return sum(map(is_gone, self._store.track_paths()))

    def check_integrity(self) -> str:
        """Check the library's data and return what is damaged; empty if nothing is."""
        return self._store.integrity_error()

    def _load_model(self) -> Model:
        space = self._store.active_space
        if space is None:
            raise NoLibraryError(
                f"the library in {self.folder} is empty: run `tunespace index PATH` first"
            )
        given = self._model
        model = given if isinstance(given, Model) else load_model(given or space.source or None)
        if model.identity != space.identity:
            raise LibraryError(
                f"the library in {self.folder} was indexed with {space.identity}, not with "
                f"{model.identity}: search with that model, or run `tunespace index PATH` with "
                "this one, which embeds all tracks again"
            )
        return model

    def _open_searcher(self) -> "Searcher":
        if self._searcher is None:
            from tunespace.library.search.searcher import Searcher

            model = self.model
            space = self._store.active_space
            if space is None:
                raise NoLibraryError(f"the library in {self.folder} is empty")
            self._searcher = Searcher(self._store, model, space, self._matrix_cache)
        return self._searcher


def _reference(track: str | PathLike[str] | Track) -> "AudioFileRef | TrackRef":
    from tunespace.library.query import AudioFileRef, TrackRef

    return TrackRef(track.id) if isinstance(track, Track) else AudioFileRef(track)
