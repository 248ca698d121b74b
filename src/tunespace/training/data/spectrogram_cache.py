"""Spectrogram cache: log-mels of clips, or embeddings of a frozen tower, computed once.

One file for each clip, float16 decibels or float32 embeddings of windows: its name is a hash of the
front end or model, the file's path, size and modification time, and the part of the file. So
recipes with one front end share the cache, an interrupted run is resumed, and several runs can use
the same folder.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tunespace.audio import LogMel
from tunespace.audio.archives import modification_stamp
from tunespace.data.manifest import Item
from tunespace.errors import AudioError, TrainingError
from tunespace.files import replacing
from tunespace.models import JointModel, load_joint_model
from tunespace.models.worker_pool import WorkerCrash, run_jobs
from tunespace.training.data.augmented_copies import UNCHANGED, Change, apply_change

LogMels = npt.NDArray[np.float32]
Job = tuple[Path, float, float | None, LogMel | None, Change, Path]


def default_cache() -> Path:
    """Return the default cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("tunespace")) / "spectrograms"


class SpectrogramCache:
    """Spectrograms of clips with one front end."""

    def __init__(self, folder: Path, front_end: LogMel | Path) -> None:
        """Take the folder and the front end; nothing is read or computed yet.

        Args:
            folder: Cache folder.
            front_end: Log-mel front end, or the folder of a model.
        """
        self._folder = folder
        self._front_end = front_end if isinstance(front_end, LogMel) else None
        self._model = "" if isinstance(front_end, LogMel) else str(front_end)
        self._made_with = (
            asdict(front_end)
            if isinstance(front_end, LogMel)
            else load_joint_model(front_end).identity
        )

    def path_of(self, item: Item, change: Change = UNCHANGED) -> Path:
        """Return the path of the spectrogram of a clip or of an augmented copy, existing or not.

        Raises:
            OSError: The audio file does not exist.
        """
        if item.audio is None:
            raise FileNotFoundError
        seen = (
            str(item.audio.resolve()),
            *modification_stamp(item.audio),
            item.start,
            item.duration,
        )
        key = json.dumps([self._made_with, *seen, *([] if change == UNCHANGED else change)])
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / name[:2] / f"{name}.npy"

    def make(
        self,
        items: Sequence[Item],
        changes: Sequence[Change] = (),
        *,
        workers: int | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> dict[int, str]:
        """Compute missing spectrograms in several processes.

        Args:
            items: Clips.
            changes: Change of each clip; None for unchanged clips.
            workers: Number of processes; None for one per core.
            on_progress: Called with the number of computed spectrograms and that of all.

        Returns:
            The reason for each clip that cannot be read, by index.

        Raises:
            TrainingError: The folder is not writable.
        """
        failed: dict[int, str] = {}
        left: dict[Path, list[int]] = {}
        changes = changes or [UNCHANGED] * len(items)
        for n, (item, change) in enumerate(zip(items, changes, strict=True)):
            try:
                path = self.path_of(item, change)
            except OSError:
                failed[n] = f"{item.audio or 'audio'} does not exist"
                continue
            if not path.exists():
                left.setdefault(path, []).append(n)
        jobs: dict[Path, Job] = {}
        for path, places in left.items():
            item = items[places[0]]
            if item.audio is not None:
                stretch = (item.audio, item.start, item.duration)
                jobs[path] = (*stretch, self._front_end, changes[places[0]], path)
        count = min(workers or os.cpu_count() or 1, len(jobs))
        work = run_jobs(list(jobs.values()), f"{__name__}:keep", self._model, count)
        with closing(work) as answers:
            for done, (job, answer) in enumerate(answers, start=1):
                if isinstance(answer, OSError):
                    raise TrainingError(
                        f"{self._folder} cannot be written ({answer.strerror}): free some space, "
                        "or choose another folder with --cache"
                    )
                if answer is not None:
                    reason = answer.reason if isinstance(answer, WorkerCrash) else answer
                    failed.update(dict.fromkeys(left[job[-1]], f"{job[0]}: {reason}"))
                if on_progress is not None:
                    on_progress(done, len(jobs))
        return failed


def keep(job: Job, model: JointModel | None) -> str | OSError | None:
    """Write the spectrogram of one clip; return why it cannot. Runs in a worker process."""
    from tunespace.audio import decode_blocks

    audio, start, duration, front_end, change, path = job
    whole: npt.NDArray[np.generic]
    try:
        if front_end is not None:
            rate = front_end.sample_rate
            blocks = decode_blocks(audio, rate, start=start, duration=duration)
            if change != UNCHANGED:
                blocks = iter([apply_change(np.concatenate(list(blocks)), rate, change)])
            whole = np.concatenate([b.astype(np.float16) for b in front_end.stream(blocks)])
        elif model is not None:
            embedding = model.embed_file(audio, start=start, duration=duration)
            whole = np.stack([window.vector for window in embedding.windows])
        else:
            return "there is neither a front end nor a model to read it with"
    except AudioError as error:
        return error.reason
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.save(file, whole)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def read_crop(path: Path, frames: int, place: float) -> LogMels:
    """Read a crop of a spectrogram.

    Args:
        path: File written by ``SpectrogramCache``.
        frames: Number of frames.
        place: Position of the crop, 0 for the first possible one, 1 for the last.

    Returns:
        ``(frames, n_mels)`` float32 decibels; a shorter clip is repeated, as at inference.
    """
    whole = np.load(path, mmap_mode="r")
    if len(whole) < frames:
        return np.resize(np.asarray(whole, np.float32), (frames, whole.shape[1]))
    first = round(place * (len(whole) - frames))
    return np.asarray(whole[first : first + frames], np.float32)
