"""Three-way loss between audio, image and text (MUSER, Chen et al. 2022, section 2.3)."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from tunespace.training.losses.batch_embeddings import BatchEmbeddings
from tunespace.training.losses.contrastive import InfoNCE
from tunespace.training.recipe import config


class ThreeWay(nn.Module):
    """Mean of InfoNCE over the three pairs of modalities, each with its own temperature.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> rows, labels = torch.eye(4), torch.eye(4).bool()
        >>> batch = BatchEmbeddings(rows, rows, torch.arange(4), labels, labels, image=rows)
        >>> loss = ThreeWay(config.ThreeWayConfig(temperature=0.2))
        >>> round(loss(batch).item(), 4)
        0.02
    """

    def __init__(self, settings: config.ThreeWayConfig) -> None:
        """Take the temperature of the recipe."""
        super().__init__()
        one = config.InfoNCEConfig(**settings.model_dump(exclude={"kind"}))
        self.audio_text, self.image_text, self.audio_image = (InfoNCE(one) for _ in range(3))

    def forward(self, batch: BatchEmbeddings) -> Tensor:
        """Return the mean over pairs and modalities."""
        if batch.image is None:
            raise ValueError("the three-way loss needs image embeddings")
        of_image = replace(batch, audio=batch.image)
        # A clip matches itself only, whatever its text.
        key = torch.arange(len(batch.audio), device=batch.audio.device)
        of_both = replace(
            batch, text=batch.image, text_key=key, hard_negative=None, has_hard_negative=None
        )
        losses = (self.audio_text(batch), self.image_text(of_image), self.audio_image(of_both))
        return torch.stack(losses).mean()
