"""What is drawn when: a batch follows from seed, epoch and number alone.

So a run that was stopped goes on with the batches that an unbroken one would have seen, and
several processes can each take their share of the same batch.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import Dataset

from tunespace.evaluation.manifest import Item
from tunespace.training.data.spectrograms import read_crop
from tunespace.training.texts import Said, Sampler, query

# Places of a clip that validation hears.
_PLACES = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Clips:
    """Clips that can be heard.

    Attributes:
        items: What is known about each.
        files: The spectrogram of each.
    """

    items: tuple[Item, ...]
    files: tuple[Path, ...]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.items)


@dataclass
class Batch:
    """Some clips and what is said of each.

    Attributes:
        log_mel: ``(batch, frames, n_mels)`` float32 decibels; in validation
            ``(batch, places, frames, n_mels)``.
        ids: ``(batch, tokens)`` int64.
        mask: The same shape, 1 for tokens and 0 for what only fills up.
        text_key: ``(batch,)`` int64: equal for equal texts.
        labels: ``(batch, tags)`` bool: all tags of each clip.
        said: ``(batch, tags)`` bool: those that its text names.
    """

    log_mel: Tensor
    ids: Tensor
    mask: Tensor
    text_key: Tensor
    labels: Tensor
    said: Tensor

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.log_mel)


class Reader:
    """Texts as tokens, tags as columns."""

    def __init__(self, tokenizer: Tokenizer, tags: Sequence[str]) -> None:
        """Takes a tokenizer that cuts off what is too long, and the tags that have a column."""
        self._tokenizer = tokenizer
        self._column = {tag: n for n, tag in enumerate(tags)}

    def tokens(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """``(texts, tokens)`` int64 twice: ids, and 1 where there is a token."""
        found = [encoding.ids or [0] for encoding in self._tokenizer.encode_batch(list(texts))]
        longest = max(map(len, found))
        ids = np.zeros((len(found), longest), np.int64)
        mask = np.zeros_like(ids)
        for n, row in enumerate(found):
            ids[n, : len(row)] = row
            mask[n, : len(row)] = 1
        return torch.from_numpy(ids), torch.from_numpy(mask)

    def columns(self, labels: Sequence[Sequence[str]]) -> Tensor:
        """``(rows, tags)`` bool."""
        found = np.zeros((len(labels), max(1, len(self._column))), np.bool_)
        for n, row in enumerate(labels):
            found[n, [self._column[tag] for tag in row if tag in self._column]] = True
        return torch.from_numpy(found)

    def batch(self, log_mel: npt.NDArray[np.float32], items: list[Item], said: list[Said]) -> Batch:
        """All of it together."""
        ids, mask = self.tokens([one.text for one in said])
        return Batch(
            torch.from_numpy(log_mel),
            ids,
            mask,
            torch.tensor([_key(one.text) for one in said], dtype=torch.int64),
            self.columns([item.tags for item in items]),
            self.columns([one.labels for one in said]),
        )


class TrainingBatches(Dataset[Batch]):
    """The batches of one epoch.

    Attributes:
        epoch: Which one it is.
        share: Which process this is, and of how many.
    """

    def __init__(
        self,
        clips: Clips,
        reader: Reader,
        sampler: Sampler,
        *,
        frames: int,
        batch: int,
        seed: int,
    ) -> None:
        """Prepares an epoch; every clip is in it once, but for a rest that fills no batch.

        Args:
            clips: To learn from.
            reader: Of texts.
            sampler: Says what is said.
            frames: Of a clip.
            batch: Clips in a step, over all processes.
            seed: Of everything that is drawn.
        """
        self._clips, self._reader, self._sampler = clips, reader, sampler
        self._frames, self._batch, self._seed = frames, min(batch, len(clips)), seed
        self.epoch = 0
        self.share = (0, 1)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self._clips) // self._batch

    def __getitem__(self, index: int) -> Batch:
        """One batch, or this process's share of it."""
        order = np.random.default_rng((self._seed, self.epoch)).permutation(len(self._clips))
        rows = order[index * self._batch : (index + 1) * self._batch]
        random = np.random.default_rng((self._seed, self.epoch, index))
        places = random.random(len(rows))
        items = [self._clips.items[row] for row in rows]
        said = [self._sampler(item, random) for item in items]
        mine = range(self.share[0], len(rows), self.share[1])
        log_mel = [read_crop(self._clips.files[rows[n]], self._frames, places[n]) for n in mine]
        return self._reader.batch(
            np.stack(log_mel), [items[n] for n in mine], [said[n] for n in mine]
        )


class ValidationBatches(Dataset[Batch]):
    """Clips with what validation asks for, always the same."""

    def __init__(
        self, clips: Clips, reader: Reader, *, frames: int, batch: int, most: int, seed: int
    ) -> None:
        """Takes at most ``most`` of the clips."""
        chosen = np.random.default_rng(seed).permutation(len(clips))[:most]
        self._rows = np.sort(chosen)
        self._clips, self._reader, self._frames, self._batch = clips, reader, frames, batch

    def __len__(self) -> int:
        """Batches; the last may be smaller."""
        return -(-len(self._rows) // self._batch)

    def __getitem__(self, index: int) -> Batch:
        """One batch."""
        rows = self._rows[index * self._batch : (index + 1) * self._batch]
        items = [self._clips.items[row] for row in rows]
        log_mel = [
            np.stack([read_crop(self._clips.files[row], self._frames, at) for at in _PLACES])
            for row in rows
        ]
        return self._reader.batch(np.stack(log_mel), items, [query(item) for item in items])


def _key(text: str) -> int:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
