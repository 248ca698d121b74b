"""Clips and texts as tensors."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor

from tunespace.data.manifest import Item
from tunespace.training.captions import TrainingText
from tunespace.training.collaborative_filtering import factor_width

Vectors = npt.NDArray[np.float32]


@dataclass
class Batch:
    """Some clips and what is said of each, in one or several views.

    Attributes:
        log_mel: ``(batch, frames, n_mels)`` float32 decibels; in validation
            ``(batch, places, frames, n_mels)``.
        ids: ``(batch, views, tokens)`` int64.
        mask: The same shape, 1 for tokens and 0 for what only fills up.
        text_key: ``(batch, views)`` int64: equal for equal texts.
        labels: ``(batch, tags)`` bool: all tags of each clip.
        text_labels: ``(batch, views, tags)`` bool: those that a text names.
        hard_negative_ids: As ``ids``: what is wrongly said.
        hard_negative_mask: As ``mask``.
        has_hard_negative: ``(batch, views)`` bool: where something is.
        second_log_mel: As ``log_mel``: another stretch of each clip.
        factors: ``(batch, factors)`` float32 of collaborative filtering.
        has_factors: ``(batch,)`` bool: whose factors are known.
        text_features: ``(batch, views, k)`` float32 unit rows: what the texts mean.
    """

    log_mel: Tensor
    ids: Tensor
    mask: Tensor
    text_key: Tensor
    labels: Tensor
    text_labels: Tensor
    hard_negative_ids: Tensor | None = None
    hard_negative_mask: Tensor | None = None
    has_hard_negative: Tensor | None = None
    second_log_mel: Tensor | None = None
    factors: Tensor | None = None
    has_factors: Tensor | None = None
    text_features: Tensor | None = None

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.log_mel)

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """Every tensor changed."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        there = {name: change(x) for name, x in found.items() if x is not None}
        return replace(self, **there)


class Collator:
    """Texts as tokens, tags as columns."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        tags: Sequence[str],
        *,
        factors: Mapping[str, Vectors] = MappingProxyType({}),
        meaning: Callable[[Sequence[str]], Vectors] | None = None,
    ) -> None:
        """Prepares for reading.

        Args:
            tokenizer: Cuts off what is too long.
            tags: That have a column.
            factors: Of artists, by their names in lower case.
            meaning: Texts to ``(texts, k)`` unit rows.
        """
        self._tokenizer, self._factors, self._meaning = tokenizer, factors, meaning
        self._column = {tag: n for n, tag in enumerate(tags)}
        self._known: dict[str, Vectors] = {}

    @property
    def needs_text_model(self) -> bool:
        """Whether a model is asked what texts mean."""
        return self._meaning is not None

    def collate(
        self,
        log_mel: Vectors,
        items: Sequence[Item],
        said: Sequence[Sequence[TrainingText]],
        *,
        wrong: bool = False,
        second: Vectors | None = None,
        withheld: npt.NDArray[np.bool_] | None = None,
    ) -> Batch:
        """All of it together.

        Args:
            log_mel: Of the clips.
            items: The clips.
            said: What is said of each, the same number of texts.
            wrong: Whether anything is wrongly said in the whole batch, of which this may be a
                share: all processes must hand on the same.
            second: Another stretch of each.
            withheld: ``(batch,)`` bool: whose factors are not told.
        """
        views = len(said[0])
        flat = [one for row in said for one in row]
        ids, mask = self._tokens([one.text for one in flat])
        batch = Batch(
            torch.from_numpy(log_mel),
            ids.unflatten(0, (-1, views)),  # type: ignore[no-untyped-call]
            mask.unflatten(0, (-1, views)),  # type: ignore[no-untyped-call]
            torch.tensor([[_key(one.text) for one in row] for row in said], dtype=torch.int64),
            self._columns([item.tags for item in items]),
            self._columns([one.labels for one in flat]).unflatten(0, (-1, views)),  # type: ignore[no-untyped-call]
        )
        if wrong:
            hard_negative_ids, hard_negative_mask = self._tokens(
                [one.hard_negative or one.text for one in flat]
            )
            batch.hard_negative_ids, batch.hard_negative_mask = (
                x.unflatten(0, (-1, views))  # type: ignore[no-untyped-call]
                for x in (hard_negative_ids, hard_negative_mask)
            )
            batch.has_hard_negative = torch.tensor(
                [[bool(one.hard_negative) for one in row] for row in said]
            )
        if second is not None:
            batch.second_log_mel = torch.from_numpy(second)
        if self._factors:
            batch.factors, batch.has_factors = self._culture(items, withheld)
        if self._meaning is not None:
            meaning = torch.from_numpy(self._meanings([one.text for one in flat]))
            batch.text_features = meaning.unflatten(0, (-1, views))  # type: ignore[no-untyped-call]
        return batch

    def _tokens(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """``(texts, tokens)`` int64 twice: ids, and 1 where there is a token."""
        found = [encoding.ids or [0] for encoding in self._tokenizer.encode_batch(list(texts))]
        longest = max(map(len, found))
        ids = np.zeros((len(found), longest), np.int64)
        mask = np.zeros_like(ids)
        for n, row in enumerate(found):
            ids[n, : len(row)] = row
            mask[n, : len(row)] = 1
        return torch.from_numpy(ids), torch.from_numpy(mask)

    def _columns(self, labels: Sequence[Sequence[str]]) -> Tensor:
        """``(rows, tags)`` bool."""
        found = np.zeros((len(labels), max(1, len(self._column))), np.bool_)
        for n, row in enumerate(labels):
            found[n, [self._column[tag] for tag in row if tag in self._column]] = True
        return torch.from_numpy(found)

    def _culture(
        self, items: Sequence[Item], withheld: npt.NDArray[np.bool_] | None
    ) -> tuple[Tensor, Tensor]:
        factors = self._factors
        found = np.zeros((len(items), factor_width(factors)), np.float32)
        known = np.zeros(len(items), np.bool_)
        for n, item in enumerate(items):
            row = factors.get(item.artist.casefold())
            if row is not None and (withheld is None or not withheld[n]):
                found[n], known[n] = row, True
        return torch.from_numpy(found), torch.from_numpy(known)

    def _meanings(self, texts: Sequence[str]) -> Vectors:
        if self._meaning is None:
            raise ValueError("nothing tells what texts mean")
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._meaning(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def _key(text: str) -> int:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
