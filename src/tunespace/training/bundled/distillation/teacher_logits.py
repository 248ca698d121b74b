"""Teacher logits of each excerpt, stored in order: an interrupted run is resumed."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tunespace.models.onnx_towers import open_session
from tunespace.training.bundled.distillation.excerpts import Excerpts
from tunespace.training.bundled.distillation.segments import Spectrograms
from tunespace.training.bundled.distillation.teachers import MUSICNN_FRAMES, load_fcn, load_musicnn
from tunespace.training.onnx_export import export_onnx

# Levels differ by recording, not by music: every window is scaled to this mean power, for
# teachers and student alike. Near the median of produced music; silence is not raised further.
LEVEL_DB = 12.0
MOST_GAIN_DB = 40.0
# Excerpts that are written at once.
_CHUNK = 32


@dataclass(frozen=True)
class Teacher:
    """Tagger.

    Attributes:
        name: Name, whose ending states the architecture (``...-fcn``, ``...-musicnn``) and whose
            beginning the tags.
        path: File of weights.
    """

    name: str
    path: Path

    @property
    def is_fcn(self) -> bool:
        """True for a network of whole windows in HTK's bands; others read 3 s in Slaney's."""
        return self.name.endswith("-fcn")


def level_of(log_mel: npt.NDArray[np.float32]) -> float:
    """Return the gain in dB that brings a window to the common level."""
    power = np.power(10.0, log_mel / 10, dtype=np.float32).mean()
    gain = LEVEL_DB - 10 * np.log10(max(float(power), 1e-10))
    return float(np.clip(gain, -MOST_GAIN_DB, MOST_GAIN_DB))


def teacher_logits(
    teachers: list[Teacher],
    excerpts: Excerpts,
    htk: Spectrograms,
    slaney: Spectrograms,
    window: int,
    cache: Path,
    *,
    workers: int,
) -> npt.NDArray[np.float32]:
    """Return ``(excerpts, all outputs)`` float32: the teachers' logits side by side, in order.

    Args:
        teachers: Teachers.
        excerpts: Excerpts.
        htk: Spectrograms for teachers with HTK's bands.
        slaney: Spectrograms of the same music in Slaney's bands.
        window: Number of frames of an excerpt.
        cache: Folder of the results; must belong to the same teachers and excerpts.
        workers: Number of processes.
    """
    cache.mkdir(parents=True, exist_ok=True)
    graphs = [_graph(teacher, window, cache) for teacher in teachers]
    width = sum(open_session(graph).get_outputs()[0].shape[1] for graph in graphs)
    path = cache / "answers.npy"
    if not path.exists():
        new = path.with_suffix(".new")
        blank = np.lib.format.open_memmap(
            new, mode="w+", dtype=np.float32, shape=(len(excerpts), width)
        )
        blank[:] = np.nan
        blank.flush()
        new.rename(path)
    answers = np.lib.format.open_memmap(path, mode="r+")
    if answers.shape != (len(excerpts), width):
        raise ValueError(f"{path} holds shape {answers.shape}: name another cache")
    starts = range(0, len(excerpts), _CHUNK)
    chunks = [np.arange(start, min(start + _CHUNK, len(excerpts))) for start in starts]
    left = [chunk for chunk in chunks if np.isnan(answers[chunk]).any()]
    # The music is sent to each process once: with every chunk, it took as long as the inference.
    make = partial(_TeacherWorker, teachers, graphs, excerpts, htk, slaney, window)
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=(make,)) as pool:
        for done, (chunk, result) in enumerate(zip(left, pool.map(_listen, left), strict=True), 1):
            answers[chunk] = result
            if done % 10 == 0 or done == len(left):
                answers.flush()
                print(f"teachers: {done} of {len(left)} chunks", flush=True)
    return np.asarray(answers)


def _graph(teacher: Teacher, window: int, cache: Path) -> Path:
    """Export a teacher as ONNX, which is three to five times as fast as PyTorch."""
    path = cache / f"{teacher.name}.onnx"
    if not path.exists():
        network: nn.Module
        if teacher.is_fcn:
            network, frames = load_fcn(teacher.path), window
        else:
            network, frames = load_musicnn(teacher.path), MUSICNN_FRAMES
        batch = {"log_mel": {0: torch.export.Dim("batch")}}
        export_onnx(network, path, {"log_mel": torch.zeros(2, frames, 96)}, batch)
    return path


class _TeacherWorker:
    def __init__(
        self,
        teachers: list[Teacher],
        graphs: list[Path],
        excerpts: Excerpts,
        htk: Spectrograms,
        slaney: Spectrograms,
        window: int,
    ) -> None:
        self.teachers = [
            (teacher, open_session(graph)) for teacher, graph in zip(teachers, graphs, strict=True)
        ]
        self.excerpts, self.htk, self.slaney, self.window = excerpts, htk, slaney, window
        parts = max(1, window // MUSICNN_FRAMES)
        self.starts = np.linspace(0, window - MUSICNN_FRAMES, parts).astype(int)

    def __call__(self, excerpt: int) -> npt.NDArray[np.float32]:
        """Return ``(all outputs,)`` float32 for one excerpt."""
        by_htk = self.excerpts.decibels(self.htk, excerpt, self.window)
        gain = np.float32(level_of(by_htk))
        by_slaney = self.excerpts.decibels(self.slaney, excerpt, self.window) + gain
        parts = np.stack([by_slaney[start : start + MUSICNN_FRAMES] for start in self.starts])
        answers = []
        for teacher, session in self.teachers:
            log_mels = (by_htk + gain)[None] if teacher.is_fcn else parts
            logits: npt.NDArray[np.float32] = session.run(None, {"log_mel": log_mels})[0]
            answers.append(logits.mean(axis=0))
        return np.concatenate(answers)


# One in each process.
_listener: list[_TeacherWorker] = []


def _begin(make: Callable[[], _TeacherWorker]) -> None:
    _listener[:] = [make()]


def _listen(chunk: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """``(chunk, all outputs)`` float32."""
    return np.stack([_listener[0](int(excerpt)) for excerpt in chunk])
