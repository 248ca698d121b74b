"""What is drawn when: a batch follows from seed, epoch and number alone.

So a run that was stopped goes on with the batches that an unbroken one would have seen, and
several processes can each take their share of the same batch.
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

# Places of a clip that validation hears.
_PLACES = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class ClipSet:
    """ClipSet that can be heard.

    Attributes:
        items: What is known about each.
        files: The spectrogram of each.
        copies: Those of its changed copies.
    """

    items: tuple[Item, ...]
    files: tuple[Path, ...]
    copies: tuple[tuple[Path, ...], ...] = ()

    def __len__(self) -> int:
        """How many there are."""
        return len(self.items)


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """How batches are drawn.

    Attributes:
        frames: Of a clip.
        batch: ClipSet in a step, over all processes.
        sampler: Each clip once, or each tag in turn.
        two_crops: Whether a second stretch of each clip is heard.
        factor_dropout: Share of the clips whose factors are withheld.
        epochs: That are planned.
        seed: Of everything that is drawn.
    """

    frames: int
    batch_size: int
    sampler: Literal["clips", "tags"] = "clips"
    two_crops: bool = False
    factor_dropout: float = 0.0
    epochs: int = 1
    seed: int = 0


class TrainingBatches(Dataset[Batch]):
    """The batches of all epochs, one after another; ``len`` is that of one epoch.

    Attributes:
        share: Which process this is, and of how many.
    """

    def __init__(
        self, clips: ClipSet, collator: Collator, caption_sampler: CaptionSampler, plan: BatchPlan
    ) -> None:
        """Prepares an epoch; every clip is in it once, but for a rest that fills no batch.

        Args:
            clips: To learn from.
            collator: Of texts.
            caption_sampler: Says what is said.
            plan: How they are drawn.
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
        """Batches in an epoch."""
        return len(self._clips) // self._batch

    def __getitem__(self, place: int) -> Batch:
        """One batch, or this process's share of it."""
        plan = self._plan
        epoch, index = divmod(place, len(self))
        random = np.random.default_rng((plan.seed, epoch, index))
        rows, tags = self._chosen(epoch, index, random)
        places = random.random((2, len(rows)))
        items = [self._clips.items[row] for row in rows]
        progress = epoch / plan.epochs
        said = [
            self._caption_sampler(item, random, tag=tag, progress=progress)
            for item, tag in zip(items, tags, strict=True)
        ]
        withheld = random.random(len(rows)) < plan.factor_dropout
        mine = range(self.share[0], len(rows), self.share[1])
        drawn = random.random(len(rows)) if self._clips.copies else np.zeros(len(rows))
        files = [self._version(rows[n], drawn[n]) for n in mine]
        heard = [
            np.stack([read_crop(f, plan.frames, at[n]) for f, n in zip(files, mine, strict=True)])
            for at in places[: 2 if plan.two_crops else 1]
        ]
        return self._collator.collate(
            heard[0],
            [items[n] for n in mine],
            [said[n] for n in mine],
            wrong=any(one.hard_negative for views in said for one in views),
            second=heard[1] if plan.two_crops else None,
            withheld=withheld[list(mine)],
        )

    def _version(self, row: int, place: float) -> Path:
        """The clip or one of its copies, each alike."""
        versions = (
            self._clips.files[row],
            *(self._clips.copies[row] if self._clips.copies else ()),
        )
        return versions[int(place * len(versions))]

    def _chosen(
        self, epoch: int, index: int, random: np.random.Generator
    ) -> tuple[Sequence[int], Sequence[str]]:
        """Rows of the batch, and the tag that each was chosen for, if any."""
        first = index * self._batch
        order = self._order(epoch)
        if self._plan.sampler == "tags":
            tags = [self._tags[order[(first + n) % len(order)]] for n in range(self._batch)]
            return [int(random.choice(self._carriers[tag])) for tag in tags], tags
        rows = [int(row) for row in order[first : first + self._batch]]
        return rows, [""] * len(rows)

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Of the clips or tags in an epoch; drawn once, since there may be millions."""
        if self._drawn is None or self._drawn[0] != epoch:
            count = len(self._tags if self._plan.sampler == "tags" else self._clips)
            random = np.random.default_rng((self._plan.seed, epoch))
            self._drawn = (epoch, random.permutation(count))
        return self._drawn[1]


class EpochSampler(Sampler[int]):
    """The places of the batches of an epoch, one after another."""

    def __init__(self, batches: TrainingBatches, epoch: Callable[[], int]) -> None:
        """Takes the batches, and who knows which epoch it is."""
        self._batches, self._epoch = batches, epoch

    def __iter__(self) -> Iterator[int]:
        """Of the epoch that it is now."""
        first = self._epoch() * len(self)
        return iter(range(first, first + len(self)))

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self._batches)


class ValidationBatches(Dataset[Batch]):
    """ClipSet with what validation asks for, always the same."""

    def __init__(self, clips: ClipSet, collator: Collator, plan: BatchPlan, most: int) -> None:
        """Takes at most ``most`` of the clips."""
        chosen = np.random.default_rng(plan.seed).permutation(len(clips))[:most]
        self._rows = np.sort(chosen)
        self._clips, self._collator, self._plan = clips, collator, plan

    def __len__(self) -> int:
        """Batches; the last may be smaller."""
        return -(-len(self._rows) // self._plan.batch_size)

    def __getitem__(self, index: int) -> Batch:
        """One batch."""
        rows = self._rows[index * self._plan.batch_size : (index + 1) * self._plan.batch_size]
        items = [self._clips.items[row] for row in rows]
        heard = [
            np.stack([read_crop(self._clips.files[n], self._plan.frames, at) for at in _PLACES])
            for n in rows
        ]
        return self._collator.collate(
            np.stack(heard), items, [[validation_text(item)] for item in items]
        )
