"""SLAP: a loss without negatives, in which each modality predicts the other and itself.

SLAP (ISMIR 2025, arXiv 2506.17815): ``q`` is the output of a predictor, ``T`` and ``A`` are the
target network's embeddings, without gradients, and ``D(u, v) = 1 - cos(u, v)``:
``balance (D(q_A, T) + D(q_T, A)) + (1 - balance) (D(q_A, A) + D(q_T, T))``. Without the second part
it collapses.
"""

from torch import Tensor, nn
from torch.nn import functional

from tunespace.training.losses.batch_embeddings import BatchEmbeddings
from tunespace.training.recipe import config


class Slap(nn.Module):
    """Two predictors and the distances of their outputs.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> rows, labels = torch.eye(4), torch.eye(4).bool()
        >>> target = {"ema_audio": rows, "ema_text": rows}
        >>> batch = BatchEmbeddings(rows, rows, torch.arange(4), labels, labels, **target)
        >>> loss = Slap(config.SlapConfig(hidden=8), dim=4)
        >>> loss(batch).shape
        torch.Size([])
    """

    def __init__(self, settings: config.SlapConfig, dim: int) -> None:
        """Build a predictor for each modality."""
        super().__init__()
        self._balance = settings.balance
        self.of_audio: nn.Module = _predictor(dim, settings.hidden)
        self.of_text: nn.Module = _predictor(dim, settings.hidden)

    def forward(self, batch: BatchEmbeddings) -> Tensor:
        """Return the mean over pairs."""
        if batch.ema_audio is None or batch.ema_text is None:
            raise ValueError("SLAP needs the embeddings of a target network")
        weight = next((p for p in self.of_audio.parameters()), batch.audio)
        audio = self.of_audio(batch.audio.to(weight.dtype))
        text = self.of_text(batch.text.to(weight.dtype))
        ema_audio, ema_text = batch.ema_audio.detach(), batch.ema_text.detach()
        across = _distance(audio, ema_text) + _distance(text, ema_audio)
        within = _distance(audio, ema_audio) + _distance(text, ema_text)
        loss: Tensor = (self._balance * across + (1 - self._balance) * within).mean()
        return loss


def _predictor(dim: int, hidden: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(dim, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, dim)
    )


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return 1 - functional.cosine_similarity(one, other.to(one.dtype), dim=1)
