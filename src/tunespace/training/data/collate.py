"""Collate clips and texts into batches of tensors."""

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
    """Clips with one or several texts (views) each.

    Attributes:
        log_mel: ``(batch, frames, n_mels)`` float32 decibels; in validation
            ``(batch, crops, frames, n_mels)``.
        ids: ``(batch, views, tokens)`` int64 token ids.
        mask: ``(batch, views, tokens)`` int64, 1 for tokens and 0 for padding.
        text_key: ``(batch, views)`` int64, equal for equal texts.
        labels: ``(batch, tags)`` bool, all tags of each clip.
        text_labels: ``(batch, views, tags)`` bool, the tags that a text names.
        hard_negative_ids: Token ids of the hard negatives, as ``ids``.
        hard_negative_mask: Mask of the hard negatives, as ``mask``.
        has_hard_negative: ``(batch, views)`` bool, whether a text has a hard negative.
        second_log_mel: A second crop of each clip, as ``log_mel``.
        factors: ``(batch, factors)`` float32 collaborative-filtering factors.
        has_factors: ``(batch,)`` bool, whether the factors of a clip are known.
        text_features: ``(batch, views, k)`` float32 unit rows, texts embedded by a fixed model.
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
        """Return the number of clips."""
        return len(self.log_mel)

    def each(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        """Return the batch with a function applied to every tensor."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        changed = {name: function(x) for name, x in tensors.items() if x is not None}
        return replace(self, **changed)


class Collator:
    """Converts clips and texts to batches."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        tags: Sequence[str],
        *,
        factors: Mapping[str, Vectors] = MappingProxyType({}),
        text_features: Callable[[Sequence[str]], Vectors] | None = None,
    ) -> None:
        """Take what the conversion needs.

        Args:
            tokenizer: Tokenizer that truncates long texts.
            tags: Tags, one for each column of ``labels``.
            factors: Factors by name of artist in lower case.
            text_features: Maps texts to ``(texts, k)`` float32 unit rows.
        """
        self._tokenizer, self._factors, self._text_features = tokenizer, factors, text_features
        self._column = {tag: n for n, tag in enumerate(tags)}
        self._feature_cache: dict[str, Vectors] = {}

    @property
    def needs_text_model(self) -> bool:
        """True if texts are embedded by a fixed model."""
        return self._text_features is not None

    def collate(
        self,
        log_mel: Vectors,
        items: Sequence[Item],
        texts: Sequence[Sequence[TrainingText]],
        *,
        with_hard_negatives: bool = False,
        second_log_mel: Vectors | None = None,
        drop_factors: npt.NDArray[np.bool_] | None = None,
    ) -> Batch:
        """Return a batch.

        Args:
            log_mel: ``(batch, frames, n_mels)`` float32 spectrograms of the clips.
            items: Clips.
            texts: Texts of each clip, the same number for all.
            with_hard_negatives: Whether any text of the whole batch has a hard negative. This batch
                may be the share of one process, and all processes need the same fields.
            second_log_mel: A second crop of each clip, as ``log_mel``.
            drop_factors: ``(batch,)`` bool, clips whose factors are withheld.
        """
        views = len(texts[0])
        flat = [text for row in texts for text in row]
        ids, mask = self._tokenize([text.text for text in flat])
        batch = Batch(
            torch.from_numpy(log_mel),
            _by_view(ids, views),
            _by_view(mask, views),
            torch.tensor([[_key(text.text) for text in row] for row in texts], dtype=torch.int64),
            self._columns([item.tags for item in items]),
            _by_view(self._columns([text.labels for text in flat]), views),
        )
        if with_hard_negatives:
            wrong = self._tokenize([text.hard_negative or text.text for text in flat])
            batch.hard_negative_ids, batch.hard_negative_mask = (_by_view(x, views) for x in wrong)
            batch.has_hard_negative = torch.tensor(
                [[bool(text.hard_negative) for text in row] for row in texts]
            )
        if second_log_mel is not None:
            batch.second_log_mel = torch.from_numpy(second_log_mel)
        if self._factors:
            batch.factors, batch.has_factors = self._factor_rows(items, drop_factors)
        if self._text_features is not None:
            features = torch.from_numpy(self._feature_rows([text.text for text in flat]))
            batch.text_features = _by_view(features, views)
        return batch

    def _tokenize(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return ``(texts, tokens)`` int64 ids and mask, padded to the longest text."""
        rows = [encoding.ids or [0] for encoding in self._tokenizer.encode_batch(list(texts))]
        longest = max(map(len, rows))
        ids = np.zeros((len(rows), longest), np.int64)
        mask = np.zeros_like(ids)
        for n, row in enumerate(rows):
            ids[n, : len(row)] = row
            mask[n, : len(row)] = 1
        return torch.from_numpy(ids), torch.from_numpy(mask)

    def _columns(self, labels: Sequence[Sequence[str]]) -> Tensor:
        """Return ``(rows, tags)`` bool."""
        matrix = np.zeros((len(labels), max(1, len(self._column))), np.bool_)
        for n, row in enumerate(labels):
            matrix[n, [self._column[tag] for tag in row if tag in self._column]] = True
        return torch.from_numpy(matrix)

    def _factor_rows(
        self, items: Sequence[Item], drop: npt.NDArray[np.bool_] | None
    ) -> tuple[Tensor, Tensor]:
        rows = np.zeros((len(items), factor_width(self._factors)), np.float32)
        is_known = np.zeros(len(items), np.bool_)
        for n, item in enumerate(items):
            row = self._factors.get(item.artist.casefold())
            if row is not None and (drop is None or not drop[n]):
                rows[n], is_known[n] = row, True
        return torch.from_numpy(rows), torch.from_numpy(is_known)

    def _feature_rows(self, texts: Sequence[str]) -> Vectors:
        if self._text_features is None:
            raise ValueError("the collator has no model for text features")
        new = [text for text in dict.fromkeys(texts) if text not in self._feature_cache]
        if new:
            self._feature_cache |= dict(zip(new, self._text_features(new), strict=True))
        return np.stack([self._feature_cache[text] for text in texts])


def _by_view(rows: Tensor, views: int) -> Tensor:
    """Reshape ``(batch * views, ...)`` to ``(batch, views, ...)``."""
    shaped: Tensor = rows.unflatten(0, (-1, views))  # type: ignore[no-untyped-call]
    return shaped


def _key(text: str) -> int:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
