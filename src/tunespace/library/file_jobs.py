"""Jobs that parse or decode a file, for a worker process: a server does neither in its own."""

from dataclasses import dataclass

from tunespace.audio.peaks import waveform_peaks
from tunespace.errors import AudioError
from tunespace.library.cover_art import CoverArt, read_cover_art

TASK = f"{__name__}:run_file_job"


@dataclass(frozen=True)
class CoverArtJob:
    """Job that returns the cover art of a file, or None.

    Attributes:
        path: Path of the audio file.
    """

    path: str


@dataclass(frozen=True)
class PeaksJob:
    """Job that returns the peaks of a waveform.

    Attributes:
        path: Path of the audio file.
        seconds: Its length in seconds.
        points: Number of peaks.
    """

    path: str
    seconds: float
    points: int


@dataclass(frozen=True)
class FileJobError:
    """Job that failed.

    Attributes:
        reason: Cause, as a clause.
    """

    reason: str


def run_file_job(
    job: CoverArtJob | PeaksJob, _model: object
) -> CoverArt | list[float] | FileJobError | None:
    """Run a job; called in a worker process."""
    try:
        if isinstance(job, CoverArtJob):
            return read_cover_art(job.path)
        return waveform_peaks(job.path, job.seconds, job.points)
    except AudioError as error:
        return FileJobError(error.reason)
    except MemoryError:
        return FileJobError("needs too much memory for its size")
    except Exception as error:  # noqa: BLE001 - a file must not end the process
        return FileJobError(f"cannot be read ({type(error).__name__})")
