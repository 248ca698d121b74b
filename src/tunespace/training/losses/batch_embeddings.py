"""What a loss sees of a batch."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BatchEmbeddings:
    """Clips and what was said of each, as points.

    Attributes:
        audio: ``(batch, dim)`` unit rows.
        text: ``(batch, dim)`` unit rows.
        text_key: ``(batch,)`` int64: texts with equal keys are the same text.
        labels: ``(batch, tags)`` bool: all that is known of each clip.
        text_labels: ``(batch, tags)`` bool: those of the labels that its text names.
        hard_negative: ``(batch, dim)`` unit rows: what was wrongly said of each.
        has_hard_negative: ``(batch,)`` bool: of which something was.
        image: ``(batch, dim)`` unit rows: the spectrogram as a picture.
        text_features: ``(batch, k)`` unit rows: what each text means, to compare texts with.
        ema_audio: ``(batch, dim)`` unit rows: the clips, as a slower copy of the towers has them.
        ema_text: The same of the texts.
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
        """``(texts, clips)``, at least float32: bf16 leaves three digits of a cosine."""
        return _full(self.text) @ _full(self.audio).T

    def hard_negative_cosines(self) -> Tensor:
        """``(batch,)``: of each clip and what was wrongly said of it.

        Raises:
            ValueError: Nothing was.
        """
        if self.hard_negative is None:
            raise ValueError("nothing was wrongly said: name hard_negatives.kind")
        return (_full(self.hard_negative) * _full(self.audio)).sum(1)

    def same_text_elsewhere(self) -> Tensor:
        """``(batch, batch)`` bool: two clips of which the same was said."""
        same = self.text_key[:, None] == self.text_key[None, :]
        return same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)

    def positives(self) -> Tensor:
        """``(texts, clips)`` bool: what the text says is true of the clip.

        A text that names labels is true of every clip that carries all of them; any other only of
        clips of which the same was said.
        """
        said, labels = self.text_labels.float(), self.labels.float()
        count = said.sum(1, keepdim=True)
        carried = (said @ labels.T >= count) & (count > 0)
        return carried | (self.text_key[:, None] == self.text_key[None, :])


def _full(rows: Tensor) -> Tensor:
    return rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
