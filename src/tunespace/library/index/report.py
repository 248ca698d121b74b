"""Result and progress of a run of indexing."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FailedFile:
    """File that could not be read, and why.

    Examples:
        >>> FailedFile("/music/a.mp3", "is not audio").reason
        'is not audio'
    """

    path: str
    reason: str


@dataclass
class IndexReport:
    """Result of a run of indexing.

    Attributes:
        added: Number of new tracks.
        updated: Number of tracks whose file has changed, or that another model embedded again.
        moved: Number of tracks whose content has a new path.
        restored: Number of removed tracks whose content is back, within 60 days.
        removed: Number of tracks whose file is gone.
        unchanged: Number of tracks that were not processed.
        failed: Files that could not be read, including those of earlier runs; they are tried again
            when they change.
        failed_earlier: Number of files in ``failed`` that earlier runs could not read either.
        excluded: Number of tracks that were removed because they are excluded now.
        kept: Number of tracks whose folder is empty or gone: it may not be mounted.
        kept_folders: The folders of these tracks; ``Library.forget`` removes their tracks.
        retagged: Number of tracks whose tags were read again and differ.
        passed_over: Number of folders and files that were passed over, by kind or suffix.
        missing_roots: Folders to index that do not exist; the others were indexed.
        music_seconds: Length of the embedded music, in seconds.
        elapsed_seconds: Duration of the run, in seconds.

    Examples:
        >>> from tunespace import Library
        >>> with Library.open("library") as library:
        ...     report = library.index(["music"])
        >>> report.added, report.unchanged, report.failed
        (0, 3, [])
    """

    added: int = 0
    updated: int = 0
    moved: int = 0
    restored: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: list[FailedFile] = field(default_factory=list)
    failed_earlier: int = 0
    excluded: int = 0
    kept: int = 0
    kept_folders: list[str] = field(default_factory=list)
    retagged: int = 0
    passed_over: dict[str, int] = field(default_factory=dict)
    missing_roots: list[str] = field(default_factory=list)
    music_seconds: float = 0.0
    elapsed_seconds: float = 0.0

    @property
    def is_empty(self) -> bool:
        """True if the run found nothing new: the library is as it was."""
        changes = (
            self.added,
            self.updated,
            self.moved,
            self.restored,
            self.removed,
            self.excluded,
            self.retagged,
            len(self.failed) - self.failed_earlier,
        )
        return not any(changes) and not self.missing_roots


@dataclass(frozen=True)
class RelocateReport:
    """Result of a relocation.

    Attributes:
        relocated: Number of tracks with a new path.
        left: Paths of tracks that are not in the new folder, or have another size there.

    Examples:
        >>> RelocateReport(relocated=3, left=[]).relocated
        3
    """

    relocated: int
    left: list[str]


@dataclass(frozen=True)
class Progress:
    """Progress of a run of indexing.

    Attributes:
        done: Number of files processed.
        total: Number of files to process.
        music_seconds: Length of the embedded music, in seconds.
        path: Path of the file processed last.

    Examples:
        >>> Progress(done=1, total=4, music_seconds=180.0, path="/music/a.mp3").done
        1
    """

    done: int
    total: int
    music_seconds: float
    path: str


ProgressCallback = Callable[[Progress], None]
