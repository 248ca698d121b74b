"""Audio, picture and text find each other (MUSER, Chen et al. 2022, section 2.3)."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from tunespace.training.losses.batch_embeddings import Pairs
from tunespace.training.losses.contrastive import InfoNCE
from tunespace.training.recipe import config


class ThreeWay(nn.Module):
    """The mean of InfoNCE over the three pairs of modalities, each with its own temperature."""

    def __init__(self, settings: config.ThreeWay) -> None:
        """Starts at the temperature of the recipe."""
        super().__init__()
        one = config.InfoNCE(**settings.model_dump(exclude={"kind"}))
        self.audio_text, self.image_text, self.audio_image = (InfoNCE(one) for _ in range(3))

    def forward(self, pairs: Pairs) -> Tensor:
        """The mean over pairs and modalities."""
        if pairs.image is None:
            raise ValueError("the three-way loss needs a picture")
        of_image = replace(pairs, audio=pairs.image)
        # A clip is itself whatever is said of it.
        key = torch.arange(len(pairs.audio), device=pairs.audio.device)
        of_both = replace(pairs, text=pairs.image, text_key=key, wrong=None, has_wrong=None)
        found = (self.audio_text(pairs), self.image_text(of_image), self.audio_image(of_both))
        return torch.stack(found).mean()
