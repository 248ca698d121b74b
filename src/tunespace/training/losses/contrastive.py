"""Losses over all cosines of a batch, each multiplied with a scale that is learned.

InfoNCE: van den Oord et al. 2018; for two modalities as in CLIP (Radford et al. 2021, figure 3).
Weighted InfoNCE: MusCALL, Manco et al. 2022, section 3.2.
Decoupled: Yeh et al. 2022, equation 6, in both directions as in MuQ-MuLan; with a logarithm of sums
of exponentials where published code exponentiates first and overflows.
Sigmoid: SigLIP, Zhai et al. 2023, equation 2.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.training.losses.batch_embeddings import Pairs
from tunespace.training.recipe import config


class Scaled(nn.Module):
    """The part that they share: the scale, and which texts are no negatives.

    Attributes:
        logit_scale: Logarithm of what cosines are multiplied with.
    """

    def __init__(
        self, temperature: float, max_scale: float, *, mask_duplicates: bool, learnable: bool = True
    ) -> None:
        """Starts at a temperature."""
        super().__init__()
        scale = torch.tensor(math.log(1 / temperature))
        self.logit_scale = nn.Parameter(scale, requires_grad=learnable)
        self._largest, self._mask = math.log(max_scale), mask_duplicates

    def scale(self) -> Tensor:
        """What cosines are multiplied with."""
        return self.logit_scale.clamp(max=self._largest).exp()

    def logits(self, pairs: Pairs) -> Tensor:
        """``(texts, clips)``; minus infinity where nothing is to be learned."""
        logits = self.scale() * pairs.cosines()
        if self._mask:
            logits = logits.masked_fill(pairs.same_text_elsewhere(), -torch.inf)
        return logits

    def of_clips(self, pairs: Pairs, logits: Tensor) -> Tensor:
        """``(clips, texts)``, and a column for what is wrongly said of each, where it is."""
        if pairs.wrong is None or pairs.has_wrong is None:
            return logits.T
        wrong = self.scale() * pairs.wrong_cosines()
        wrong = wrong.masked_fill(~pairs.has_wrong, -torch.inf)
        return torch.cat([logits.T, wrong[:, None]], dim=1)


class InfoNCE(Scaled):
    """``1/2 [CE(k S, diagonal) + CE(k S^T, diagonal)]`` with ``k = 1 / temperature``."""

    def __init__(self, settings: config.InfoNCE) -> None:
        """Starts at the temperature of the recipe."""
        super().__init__(
            settings.temperature,
            settings.max_scale,
            mask_duplicates=settings.mask_duplicates,
            learnable=settings.learnable,
        )

    def forward(self, pairs: Pairs) -> Tensor:
        """The mean over pairs."""
        return (self.entropies(pairs)).mean()

    def entropies(self, pairs: Pairs) -> Tensor:
        """``(batch,)``: the mean of both directions for each pair."""
        logits = self.logits(pairs)
        wanted = torch.arange(len(logits), device=logits.device)
        of_texts = functional.cross_entropy(logits, wanted, reduction="none")
        of_clips = functional.cross_entropy(self.of_clips(pairs, logits), wanted, reduction="none")
        return (of_texts + of_clips) / 2


class WeightedInfoNCE(InfoNCE):
    """InfoNCE whose pairs count in proportion to ``exp(u / k)``.

    ``u`` is the mean similarity of a text to the others of the batch, its sum over the batch 1.
    """

    def __init__(self, settings: config.WeightedInfoNCE) -> None:
        """Starts at the temperature of the recipe."""
        Scaled.__init__(
            self,
            settings.temperature,
            settings.max_scale,
            mask_duplicates=settings.mask_duplicates,
        )
        self._sharpness = settings.sharpness

    def forward(self, pairs: Pairs) -> Tensor:
        """The weighted mean over pairs."""
        if pairs.meaning is None:
            raise ValueError("weighted InfoNCE needs what the texts mean")
        alike = pairs.meaning @ pairs.meaning.T
        count = max(1, len(alike) - 1)
        mean = (alike.sum(1) - alike.diagonal()) / count
        weights = torch.softmax(mean / mean.sum().clamp_min(1e-6) / self._sharpness, dim=0)
        return (weights * self.entropies(pairs)).sum()


class Decoupled(Scaled):
    """``-k s_ii + 1/2 [log sum_{j!=i} exp(k s_ij) + log sum_{j!=i} exp(k s_ji)]``."""

    def __init__(self, settings: config.Decoupled) -> None:
        """Starts at the temperature of the recipe."""
        super().__init__(
            settings.temperature, settings.max_scale, mask_duplicates=settings.mask_duplicates
        )

    def forward(self, pairs: Pairs) -> Tensor:
        """The mean over pairs that have a negative."""
        logits = self.logits(pairs)
        own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        of_texts = logits.masked_fill(own, -torch.inf)
        width = len(logits)
        of_clips = self.of_clips(pairs, logits)
        of_clips = torch.cat(
            [of_clips[:, :width].masked_fill(own, -torch.inf), of_clips[:, width:]], 1
        )
        halves = []
        for negatives in (of_texts, of_clips):
            some = torch.isfinite(negatives).any(1)
            # Without a negative there is nothing to push away from; its gradient would be NaN.
            safe = torch.where(some[:, None], negatives, torch.zeros_like(negatives))
            halves.append(torch.where(some, torch.logsumexp(safe, 1), torch.zeros_like(safe[:, 0])))
        return (-logits.diagonal() + (halves[0] + halves[1]) / 2).mean()


class Sigmoid(Scaled):
    """``-sum log sigmoid(y_ij (k s_ij + b)) / batch``, ``y`` 1 for pairs and -1 otherwise.

    Attributes:
        bias: ``b``.
    """

    def __init__(self, settings: config.Sigmoid) -> None:
        """Starts at the temperature and bias of the recipe."""
        super().__init__(settings.temperature, 1e4, mask_duplicates=False)
        self.bias = nn.Parameter(torch.tensor(settings.bias))
        self._skips = settings.mask_duplicates

    def forward(self, pairs: Pairs) -> Tensor:
        """The sum over all pairs, divided by the clips."""
        logits = self.logits(pairs) + self.bias
        sign = 2 * torch.eye(len(logits), device=logits.device, dtype=logits.dtype) - 1
        found = functional.logsigmoid(sign * logits)
        if self._skips:
            found = found.masked_fill(pairs.same_text_elsewhere(), 0)
        total = found.sum()
        if pairs.wrong is not None and pairs.has_wrong is not None:
            wrong = functional.logsigmoid(-(self.scale() * pairs.wrong_cosines() + self.bias))
            total = total + wrong.masked_fill(~pairs.has_wrong, 0).sum()
        return -total / len(logits)
