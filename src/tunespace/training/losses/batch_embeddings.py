"""Input of the losses: the embeddings of a batch and its annotations."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BatchEmbeddings:
    """Embeddings of clips and of one text of each.

    Attributes:
        audio: ``(batch, dim)`` unit rows.
        text: ``(batch, dim)`` unit rows.
        text_key: ``(batch,)`` int64, equal for equal texts.
        labels: ``(batch, tags)`` bool, all tags of each clip.
        text_labels: ``(batch, tags)`` bool, the tags that the text names.
        hard_negative: ``(batch, dim)`` unit rows, embeddings of the hard negatives.
        has_hard_negative: ``(batch,)`` bool, whether a clip has a hard negative.
        image: ``(batch, dim)`` unit rows, embeddings of the spectrogram as an image.
        text_features: ``(batch, k)`` unit rows, texts embedded by a fixed model.
        ema_audio: ``(batch, dim)`` unit rows of the target network's audio tower.
        ema_text: ``(batch, dim)`` unit rows of the target network's text tower.

    Examples:
        >>> import torch
        >>> rows, labels = torch.eye(2), torch.eye(2).bool()
        >>> batch = BatchEmbeddings(rows, rows, torch.arange(2), labels, labels)
        >>> batch.cosines().tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        >>> batch.positives().tolist()
        [[True, False], [False, True]]
    """

    audio: Tensor
    text: Tensor
    text_key: Tensor
    labels: Tensor
    text_labels: Tensor
    hard_negative: Tensor | None = None
    has_hard_negative: Tensor | None = None
    image: Tensor | None = None
    text_features: Tensor | None = None
    ema_audio: Tensor | None = None
    ema_text: Tensor | None = None

    def cosines(self) -> Tensor:
        """Return ``(texts, clips)`` cosines, at least float32: bf16 keeps three digits."""
        return _full(self.text) @ _full(self.audio).T

    def hard_negative_cosines(self) -> Tensor:
        """Return the ``(batch,)`` cosines of each clip and its hard negative.

        Raises:
            ValueError: There are no hard negatives.
        """
        if self.hard_negative is None:
            raise ValueError("there are no hard negatives: set hard_negatives.kind")
        return (_full(self.hard_negative) * _full(self.audio)).sum(1)

    def same_text_elsewhere(self) -> Tensor:
        """Return ``(batch, batch)`` bool: two different clips with the same text."""
        same = self.text_key[:, None] == self.text_key[None, :]
        return same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)

    def positives(self) -> Tensor:
        """Return ``(texts, clips)`` bool: whether the text is true of the clip.

        A text that names labels is true of every clip that carries all of them; any other only of
        clips with the same text.
        """
        named, labels = self.text_labels.float(), self.labels.float()
        count = named.sum(1, keepdim=True)
        carried = (named @ labels.T >= count) & (count > 0)
        return carried | (self.text_key[:, None] == self.text_key[None, :])


def _full(rows: Tensor) -> Tensor:
    return rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
