"""The log-mel of every clip, or what a model heard in it, computed once and kept on disk.

One file a clip, float16 decibels or float32 vectors of windows: its name is a hash of the front end
or model, the file's path, size and date, and the stretch of it. So recipes with one front end share
what is kept, a run that was killed goes on, and several can use the same folder.
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
from tunespace.models import JointModel, load_joint_model
from tunespace.models.worker_pool import WorkerCrash, run_jobs
from tunespace.training.data.augmented_copies import UNCHANGED, Change, apply_change

LogMels = npt.NDArray[np.float32]
Job = tuple[Path, float, float | None, LogMel | None, Change, Path]


def default_cache() -> Path:
    """Where spectrograms are kept when no folder is named."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("tunespace")) / "spectrograms"


class SpectrogramCache:
    """What is kept of some clips."""

    def __init__(self, folder: Path, front_end: LogMel | Path) -> None:
        """Prepares; nothing is read or made yet.

        Args:
            folder: That they are kept in.
            front_end: A front end, or the folder of a model.
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
        """The file of a clip or of a changed copy of it, whether it is there or not.

        Raises:
            OSError: The audio does not exist.
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
        """Computes what is not there yet, in several processes.

        Args:
            items: Clips.
            changes: Of each clip; as it is where none are given.
            workers: Processes.
            on_progress: Called with how many are done, and of how many.

        Returns:
            For each clip that cannot be heard why, by its index.

        Raises:
            TrainingError: The folder cannot be written.
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
                        f"{self._folder} cannot be written ({answer.strerror}): make room, or "
                        "name another folder with --cache"
                    )
                if answer is not None:
                    reason = answer.reason if isinstance(answer, WorkerCrash) else answer
                    failed.update(dict.fromkeys(left[job[-1]], f"{job[0]}: {reason}"))
                if on_progress is not None:
                    on_progress(done, len(jobs))
        return failed


def keep(job: Job, model: JointModel | None) -> str | OSError | None:
    """Writes what is heard of one clip; says why it cannot. Runs in a worker process."""
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
            heard = model.embed_file(audio, start=start, duration=duration)
            whole = np.stack([window.vector for window in heard.windows])
        else:
            return "is heard with nothing"
    except AudioError as error:
        return error.reason
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.save(file, whole)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        return error
    return None


def read_crop(path: Path, frames: int, place: float) -> LogMels:
    """A stretch of a clip.

    Args:
        path: Of a file that ``SpectrogramCache`` made.
        frames: Of the stretch.
        place: 0 for the first possible one, 1 for the last.

    Returns:
        ``(frames, n_mels)`` float32 decibels; a clip that is shorter is repeated, as it is where
        a model listens.
    """
    whole = np.load(path, mmap_mode="r")
    if len(whole) < frames:
        return np.resize(np.asarray(whole, np.float32), (frames, whole.shape[1]))
    first = round(place * (len(whole) - frames))
    return np.asarray(whole[first : first + frames], np.float32)
