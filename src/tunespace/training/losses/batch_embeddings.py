"""What a loss sees of a batch."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pairs:
    """Clips and what was said of each, as points.

    Attributes:
        audio: ``(batch, dim)`` unit rows.
        text: ``(batch, dim)`` unit rows.
        text_key: ``(batch,)`` int64: texts with equal keys are the same text.
        labels: ``(batch, tags)`` bool: all that is known of each clip.
        said: ``(batch, tags)`` bool: those of the labels that its text names.
        wrong: ``(batch, dim)`` unit rows: what was wrongly said of each.
        has_wrong: ``(batch,)`` bool: of which something was.
        image: ``(batch, dim)`` unit rows: the spectrogram as a picture.
        meaning: ``(batch, k)`` unit rows: what each text means, to compare texts with.
        slow_audio: ``(batch, dim)`` unit rows: the clips, as a slower copy of the towers has them.
        slow_text: The same of the texts.
    """

    audio: Tensor
    text: Tensor
    text_key: Tensor
    labels: Tensor
    said: Tensor
    wrong: Tensor | None = None
    has_wrong: Tensor | None = None
    image: Tensor | None = None
    meaning: Tensor | None = None
    slow_audio: Tensor | None = None
    slow_text: Tensor | None = None

    def cosines(self) -> Tensor:
        """``(texts, clips)``, at least float32: bf16 leaves three digits of a cosine."""
        return _full(self.text) @ _full(self.audio).T

    def wrong_cosines(self) -> Tensor:
        """``(batch,)``: of each clip and what was wrongly said of it.

        Raises:
            ValueError: Nothing was.
        """
        if self.wrong is None:
            raise ValueError("nothing was wrongly said: name hard.kind")
        return (_full(self.wrong) * _full(self.audio)).sum(1)

    def same_text_elsewhere(self) -> Tensor:
        """``(batch, batch)`` bool: two clips of which the same was said."""
        same = self.text_key[:, None] == self.text_key[None, :]
        return same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)

    def true_of(self) -> Tensor:
        """``(texts, clips)`` bool: what the text says is true of the clip.

        A text that names labels is true of every clip that carries all of them; any other only of
        clips of which the same was said.
        """
        said, labels = self.said.float(), self.labels.float()
        count = said.sum(1, keepdim=True)
        carried = (said @ labels.T >= count) & (count > 0)
        return carried | (self.text_key[:, None] == self.text_key[None, :])


def _full(rows: Tensor) -> Tensor:
    return rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
