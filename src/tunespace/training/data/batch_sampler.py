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
from tunespace.training.captions import Speaker, query
from tunespace.training.data.collate import Batch, Reader
from tunespace.training.data.spectrogram_cache import read_crop

# Places of a clip that validation hears.
_PLACES = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Clips:
    """Clips that can be heard.

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
class Plan:
    """How batches are drawn.

    Attributes:
        frames: Of a clip.
        batch: Clips in a step, over all processes.
        order: Each clip once, or each tag in turn.
        twice: Whether a second stretch of each clip is heard.
        withheld: Share of the clips whose factors are withheld.
        epochs: That are planned.
        seed: Of everything that is drawn.
    """

    frames: int
    batch: int
    order: Literal["clips", "tags"] = "clips"
    twice: bool = False
    withheld: float = 0.0
    epochs: int = 1
    seed: int = 0


class TrainingBatches(Dataset[Batch]):
    """The batches of all epochs, one after another; ``len`` is that of one epoch.

    Attributes:
        share: Which process this is, and of how many.
    """

    def __init__(self, clips: Clips, reader: Reader, speaker: Speaker, plan: Plan) -> None:
        """Prepares an epoch; every clip is in it once, but for a rest that fills no batch.

        Args:
            clips: To learn from.
            reader: Of texts.
            speaker: Says what is said.
            plan: How they are drawn.
        """
        self._clips, self._reader, self._speaker, self._plan = clips, reader, speaker, plan
        self._batch = min(plan.batch, len(clips))
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
            self._speaker(item, random, tag=tag, progress=progress)
            for item, tag in zip(items, tags, strict=True)
        ]
        withheld = random.random(len(rows)) < plan.withheld
        mine = range(self.share[0], len(rows), self.share[1])
        drawn = random.random(len(rows)) if self._clips.copies else np.zeros(len(rows))
        files = [self._version(rows[n], drawn[n]) for n in mine]
        heard = [
            np.stack([read_crop(f, plan.frames, at[n]) for f, n in zip(files, mine, strict=True)])
            for at in places[: 2 if plan.twice else 1]
        ]
        return self._reader.batch(
            heard[0],
            [items[n] for n in mine],
            [said[n] for n in mine],
            wrong=any(one.wrong for views in said for one in views),
            second=heard[1] if plan.twice else None,
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
        if self._plan.order == "tags":
            tags = [self._tags[order[(first + n) % len(order)]] for n in range(self._batch)]
            return [int(random.choice(self._carriers[tag])) for tag in tags], tags
        rows = [int(row) for row in order[first : first + self._batch]]
        return rows, [""] * len(rows)

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Of the clips or tags in an epoch; drawn once, since there may be millions."""
        if self._drawn is None or self._drawn[0] != epoch:
            count = len(self._tags if self._plan.order == "tags" else self._clips)
            random = np.random.default_rng((self._plan.seed, epoch))
            self._drawn = (epoch, random.permutation(count))
        return self._drawn[1]


class InOrder(Sampler[int]):
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
    """Clips with what validation asks for, always the same."""

    def __init__(self, clips: Clips, reader: Reader, plan: Plan, most: int) -> None:
        """Takes at most ``most`` of the clips."""
        chosen = np.random.default_rng(plan.seed).permutation(len(clips))[:most]
        self._rows = np.sort(chosen)
        self._clips, self._reader, self._plan = clips, reader, plan

    def __len__(self) -> int:
        """Batches; the last may be smaller."""
        return -(-len(self._rows) // self._plan.batch)

    def __getitem__(self, index: int) -> Batch:
        """One batch."""
        rows = self._rows[index * self._plan.batch : (index + 1) * self._plan.batch]
        items = [self._clips.items[row] for row in rows]
        heard = [
            np.stack([read_crop(self._clips.files[n], self._plan.frames, at) for at in _PLACES])
            for n in rows
        ]
        return self._reader.batch(np.stack(heard), items, [[query(item)] for item in items])
