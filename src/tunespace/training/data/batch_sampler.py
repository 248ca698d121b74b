"""Sample batches: each is determined by seed, epoch and index alone.

So a resumed run continues with the batches that an uninterrupted one would have drawn, and several
processes can each take their share of the same batch.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset, Sampler

from tunespace.data.manifest import Item
from tunespace.training.captions import CaptionSampler, validation_text
from tunespace.training.data.collate import Batch, Collator
from tunespace.training.data.spectrogram_cache import read_crop

# Positions of the crops of a validation clip, as a fraction of its length.
_CROP_POSITIONS = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class ClipSet:
    """Clips with their spectrograms.

    Attributes:
        items: Clips.
        files: Spectrogram of each clip.
        copies: Spectrograms of the augmented copies of each clip.
    """

    items: tuple[Item, ...]
    files: tuple[Path, ...]
    copies: tuple[tuple[Path, ...], ...] = ()

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.items)


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Parameters of sampling.

    Attributes:
        frames: Number of frames of a crop.
        batch_size: Number of clips in a batch, over all processes.
        sampler: "clips", each clip once an epoch; "tags", each tag in turn.
        two_crops: Whether a second crop of each clip is drawn.
        factor_dropout: Fraction of the clips whose factors are withheld.
        epochs: Number of epochs.
        seed: Random seed.
    """

    frames: int
    batch_size: int
    sampler: Literal["clips", "tags"] = "clips"
    two_crops: bool = False
    factor_dropout: float = 0.0
    epochs: int = 1
    seed: int = 0


class TrainingBatches(Dataset[Batch]):
    """Batches of all epochs in sequence; ``len`` is the number of batches of one epoch.

    Attributes:
        share: Rank of this process, and number of processes.
    """

    def __init__(
        self, clips: ClipSet, collator: Collator, caption_sampler: CaptionSampler, plan: BatchPlan
    ) -> None:
        """Take the parts. An epoch has every clip once, without a rest that fills no batch.

        Args:
            clips: Training clips.
            collator: Converts clips and texts to tensors.
            caption_sampler: Draws the training texts of each clip.
            plan: Parameters of sampling.
        """
        self._clips, self._collator, self._caption_sampler, self._plan = (
            clips,
            collator,
            caption_sampler,
            plan,
        )
        self._batch = min(plan.batch_size, len(clips))
        self._carriers: dict[str, list[int]] = {}
        for n, item in enumerate(clips.items):
            for tag in item.tags:
                self._carriers.setdefault(tag, []).append(n)
        self._tags = sorted(self._carriers)
        self._drawn: tuple[int, npt.NDArray[np.int64]] | None = None
        self.share = (0, 1)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self._clips) // self._batch

    def __getitem__(self, place: int) -> Batch:
        """Return a batch, or this process's share of it."""
        plan = self._plan
        epoch, index = divmod(place, len(self))
        random = np.random.default_rng((plan.seed, epoch, index))
        rows, tags = self._chosen(epoch, index, random)
        positions = random.random((2, len(rows)))
        items = [self._clips.items[row] for row in rows]
        progress = epoch / plan.epochs
        texts = [
            self._caption_sampler(item, random, tag=tag, progress=progress)
            for item, tag in zip(items, tags, strict=True)
        ]
        drop_factors = random.random(len(rows)) < plan.factor_dropout
        own = range(self.share[0], len(rows), self.share[1])
        drawn = random.random(len(rows)) if self._clips.copies else np.zeros(len(rows))
        files = [self._version(rows[n], drawn[n]) for n in own]
        crops = [
            np.stack([read_crop(f, plan.frames, at[n]) for f, n in zip(files, own, strict=True)])
            for at in positions[: 2 if plan.two_crops else 1]
        ]
        return self._collator.collate(
            crops[0],
            [items[n] for n in own],
            [texts[n] for n in own],
            with_hard_negatives=any(text.hard_negative for views in texts for text in views),
            second_log_mel=crops[1] if plan.two_crops else None,
            drop_factors=drop_factors[list(own)],
        )

    def _version(self, row: int, position: float) -> Path:
        """Return the clip or one of its copies, with equal probability."""
        versions = (
            self._clips.files[row],
            *(self._clips.copies[row] if self._clips.copies else ()),
        )
        return versions[int(position * len(versions))]

    def _chosen(
        self, epoch: int, index: int, random: np.random.Generator
    ) -> tuple[Sequence[int], Sequence[str]]:
        """Return the rows of the batch, and the tag that each was sampled for, if any."""
        first = index * self._batch
        order = self._order(epoch)
        if self._plan.sampler == "tags":
            tags = [self._tags[order[(first + n) % len(order)]] for n in range(self._batch)]
            return [int(random.choice(self._carriers[tag])) for tag in tags], tags
        rows = [int(row) for row in order[first : first + self._batch]]
        return rows, [""] * len(rows)

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return the order of clips or tags in an epoch; drawn once, as there may be millions."""
        if self._drawn is None or self._drawn[0] != epoch:
            count = len(self._tags if self._plan.sampler == "tags" else self._clips)
            random = np.random.default_rng((self._plan.seed, epoch))
            self._drawn = (epoch, random.permutation(count))
        return self._drawn[1]


class EpochSampler(Sampler[int]):
    """Indices of the batches of the current epoch, in order."""

    def __init__(self, batches: TrainingBatches, epoch: Callable[[], int]) -> None:
        """Take the batches, and the function that returns the current epoch."""
        self._batches, self._epoch = batches, epoch

    def __iter__(self) -> Iterator[int]:
        """Iterate over the indices of the current epoch."""
        first = self._epoch() * len(self)
        return iter(range(first, first + len(self)))

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self._batches)


class ValidationBatches(Dataset[Batch]):
    """Validation clips with their texts, the same in every epoch."""

    def __init__(self, clips: ClipSet, collator: Collator, plan: BatchPlan, max_clips: int) -> None:
        """Take at most ``max_clips`` of the clips."""
        chosen = np.random.default_rng(plan.seed).permutation(len(clips))[:max_clips]
        self._rows = np.sort(chosen)
        self._clips, self._collator, self._plan = clips, collator, plan

    def __len__(self) -> int:
        """Return the number of batches; the last may be smaller."""
        return -(-len(self._rows) // self._plan.batch_size)

    def __getitem__(self, index: int) -> Batch:
        """Return a batch."""
        rows = self._rows[index * self._plan.batch_size : (index + 1) * self._plan.batch_size]
        items = [self._clips.items[row] for row in rows]
        crops = [
            np.stack(
                [read_crop(self._clips.files[n], self._plan.frames, at) for at in _CROP_POSITIONS]
            )
            for n in rows
        ]
        return self._collator.collate(
            np.stack(crops), items, [[validation_text(item)] for item in items]
        )
