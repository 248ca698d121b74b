"""Contrastive losses over all cosines of a batch, with a learned scale.

InfoNCE: van den Oord et al. 2018; for two modalities as in CLIP (Radford et al. 2021, figure 3).
Weighted InfoNCE: MusCALL, Manco et al. 2022, section 3.2.
Decoupled: Yeh et al. 2022, equation 6, in both directions as in MuQ-MuLan; with log-sum-exp, where
published code exponentiates first and overflows.
Sigmoid: SigLIP, Zhai et al. 2023, equation 2.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.training.losses.batch_embeddings import BatchEmbeddings
from tunespace.training.recipe import config


class ScaledLoss(nn.Module):
    """Base class: the learned scale, and the mask of texts that are no negatives.

    Attributes:
        logit_scale: Logarithm of the scale of cosines.

    Examples:
        >>> loss = ScaledLoss(temperature=0.1, max_scale=100, mask_duplicates=True)
        >>> round(loss.scale().item(), 4)
        10.0
    """

    def __init__(
        self, temperature: float, max_scale: float, *, mask_duplicates: bool, learnable: bool = True
    ) -> None:
        """Take the initial temperature."""
        super().__init__()
        scale = torch.tensor(math.log(1 / temperature))
        self.logit_scale = nn.Parameter(scale, requires_grad=learnable)
        self._largest, self._mask = math.log(max_scale), mask_duplicates

    def scale(self) -> Tensor:
        """Return the scale of cosines."""
        return self.logit_scale.clamp(max=self._largest).exp()

    def logits(self, batch: BatchEmbeddings) -> Tensor:
        """Return ``(texts, clips)`` logits; minus infinity for masked pairs."""
        logits = self.scale() * batch.cosines()
        if self._mask:
            logits = logits.masked_fill(batch.same_text_elsewhere(), -torch.inf)
        return logits

    def audio_logits(self, batch: BatchEmbeddings, logits: Tensor) -> Tensor:
        """Return ``(clips, texts)`` logits, with a column for the hard negatives, if any."""
        if batch.hard_negative is None or batch.has_hard_negative is None:
            return logits.T
        wrong = self.scale() * batch.hard_negative_cosines()
        wrong = wrong.masked_fill(~batch.has_hard_negative, -torch.inf)
        return torch.cat([logits.T, wrong[:, None]], dim=1)


class InfoNCE(ScaledLoss):
    """``1/2 [CE(k S, diagonal) + CE(k S^T, diagonal)]`` with ``k = 1 / temperature``.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> rows, labels = torch.eye(4), torch.eye(4).bool()
        >>> batch = BatchEmbeddings(rows, rows, torch.arange(4), labels, labels)
        >>> loss = InfoNCE(config.InfoNCEConfig(temperature=0.2))
        >>> round(loss(batch).item(), 4)
        0.02
    """

    def __init__(self, settings: config.InfoNCEConfig) -> None:
        """Take the temperature of the recipe."""
        super().__init__(
            settings.temperature,
            settings.max_scale,
            mask_duplicates=settings.mask_duplicates,
            learnable=settings.learnable,
        )

    def forward(self, batch: BatchEmbeddings) -> Tensor:
        """Return the mean over pairs."""
        return (self.cross_entropies(batch)).mean()

    def cross_entropies(self, batch: BatchEmbeddings) -> Tensor:
        """Return ``(batch,)``: the mean of both directions for each pair."""
        logits = self.logits(batch)
        wanted = torch.arange(len(logits), device=logits.device)
        of_texts = functional.cross_entropy(logits, wanted, reduction="none")
        of_clips = functional.cross_entropy(
            self.audio_logits(batch, logits), wanted, reduction="none"
        )
        return (of_texts + of_clips) / 2


class WeightedInfoNCE(InfoNCE):
    """InfoNCE whose pairs are weighted in proportion to ``exp(u / k)``.

    ``u`` is the mean similarity of a text to the others of the batch, with a sum of 1 over the
    batch.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> rows, labels = torch.eye(4), torch.eye(4).bool()
        >>> batch = BatchEmbeddings(rows, rows, torch.arange(4), labels, labels, text_features=rows)
        >>> loss = WeightedInfoNCE(config.WeightedInfoNCEConfig(temperature=0.2))
        >>> round(loss(batch).item(), 4)
        0.02
    """

    def __init__(self, settings: config.WeightedInfoNCEConfig) -> None:
        """Take the temperature of the recipe."""
        ScaledLoss.__init__(
            self,
            settings.temperature,
            settings.max_scale,
            mask_duplicates=settings.mask_duplicates,
        )
        self._sharpness = settings.sharpness

    def forward(self, batch: BatchEmbeddings) -> Tensor:
        """Return the weighted mean over pairs."""
        if batch.text_features is None:
            raise ValueError("weighted InfoNCE needs text_features")
        alike = batch.text_features @ batch.text_features.T
        count = max(1, len(alike) - 1)
        mean = (alike.sum(1) - alike.diagonal()) / count
        weights = torch.softmax(mean / mean.sum().clamp_min(1e-6) / self._sharpness, dim=0)
        return (weights * self.cross_entropies(batch)).sum()


class Decoupled(ScaledLoss):
    """``-k s_ii + 1/2 [log sum_{j!=i} exp(k s_ij) + log sum_{j!=i} exp(k s_ji)]``.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> rows, labels = torch.eye(4), torch.eye(4).bool()
        >>> batch = BatchEmbeddings(rows, rows, torch.arange(4), labels, labels)
        >>> loss = Decoupled(config.DecoupledConfig(temperature=0.2))
        >>> round(loss(batch).item(), 4)
        -3.9014
    """

    def __init__(self, settings: config.DecoupledConfig) -> None:
        """Take the temperature of the recipe."""
        super().__init__(
            settings.temperature, settings.max_scale, mask_duplicates=settings.mask_duplicates
        )

    def forward(self, batch: BatchEmbeddings) -> Tensor:
        """Return the mean over pairs with a negative."""
        logits = self.logits(batch)
        own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        of_texts = logits.masked_fill(own, -torch.inf)
        width = len(logits)
        of_clips = self.audio_logits(batch, logits)
        of_clips = torch.cat(
            [of_clips[:, :width].masked_fill(own, -torch.inf), of_clips[:, width:]], 1
        )
        halves = []
        for negatives in (of_texts, of_clips):
            some = torch.isfinite(negatives).any(1)
            # Without a negative there is no term; its gradient would be NaN.
            safe = torch.where(some[:, None], negatives, torch.zeros_like(negatives))
            halves.append(torch.where(some, torch.logsumexp(safe, 1), torch.zeros_like(safe[:, 0])))
        return (-logits.diagonal() + (halves[0] + halves[1]) / 2).mean()


class Sigmoid(ScaledLoss):
    """``-sum log sigmoid(y_ij (k s_ij + b)) / batch``, ``y`` 1 for pairs and -1 otherwise.

    Attributes:
        bias: ``b``.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> rows, labels = torch.eye(4), torch.eye(4).bool()
        >>> batch = BatchEmbeddings(rows, rows, torch.arange(4), labels, labels)
        >>> loss = Sigmoid(config.SigmoidConfig(temperature=0.1, bias=-5.0))
        >>> round(loss(batch).item(), 4)
        0.0269
    """

    def __init__(self, settings: config.SigmoidConfig) -> None:
        """Take temperature and bias of the recipe."""
        super().__init__(settings.temperature, 1e4, mask_duplicates=False)
        self.bias = nn.Parameter(torch.tensor(settings.bias))
        self._skips = settings.mask_duplicates

    def forward(self, batch: BatchEmbeddings) -> Tensor:
        """Return the sum over all pairs, divided by the number of clips."""
        logits = self.logits(batch) + self.bias
        sign = 2 * torch.eye(len(logits), device=logits.device, dtype=logits.dtype) - 1
        log_likelihoods = functional.logsigmoid(sign * logits)
        if self._skips:
            log_likelihoods = log_likelihoods.masked_fill(batch.same_text_elsewhere(), 0)
        total = log_likelihoods.sum()
        if batch.hard_negative is not None and batch.has_hard_negative is not None:
            wrong = functional.logsigmoid(
                -(self.scale() * batch.hard_negative_cosines() + self.bias)
            )
            total = total + wrong.masked_fill(~batch.has_hard_negative, 0).sum()
        return -total / len(logits)
