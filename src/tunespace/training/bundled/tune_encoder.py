"""Fine-tune a sentence encoder on texts with known embeddings.

All layers of the encoder are trained: a head alone was worse than ridge regression on a frozen
encoder. Lightning runs the loop, saves a checkpoint after each epoch and resumes from it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import BertModel

from tunespace.models.onnx_towers import open_tokenizer
from tunespace.training.bundled.sentence_encoder import mean_pooled

Vectors = npt.NDArray[np.float32]

# Batches among which texts are sorted by length: little padding, and a random order.
_POOL = 50


@dataclass(frozen=True, kw_only=True)
class EncoderSchedule:
    """Training schedule of the encoder; the defaults are those of the bundled model.

    Attributes:
        epochs: Passes over the texts.
        batch: Number of texts in a step.
        learning_rate: Peak rate of the encoder in a one-cycle schedule.
        head_rate: Peak rate of the linear map behind it.
        weight_decay: Weight decay of AdamW.
        max_tokens: Maximum number of tokens of a text.
        seed: Random seed of the order.
        precision: Precision as Lightning names it; bfloat16 takes half the time on CPUs that
            support it.
    """

    epochs: int = 3
    batch: int = 96
    learning_rate: float = 1e-4
    head_rate: float = 2e-3
    weight_decay: float = 0.01
    max_tokens: int = 48
    seed: int = 20261125
    precision: Literal["bf16-mixed", "32-true"] = "bf16-mixed"


class SentenceTower(nn.Module):
    """BERT with normalised mean pooling, and a linear map to the space."""

    def __init__(self, encoder: BertModel, ridge: Vectors) -> None:
        """Initialise with ridge regression on the untrained encoder.

        Args:
            encoder: Encoder; changed by training.
            ridge: ``(hidden + 1, dim)`` float32 weights and intercept (see ``fit_ridge``).
        """
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(ridge.shape[0] - 1, ridge.shape[1])
        weight, bias = torch.from_numpy(ridge[:-1].T.copy()), torch.from_numpy(ridge[-1])
        self.head.load_state_dict({"weight": weight, "bias": bias})

    def sentence(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return ``(batch, hidden)`` unit rows."""
        states = self.encoder(ids, attention_mask=mask).last_hidden_state
        return mean_pooled(states, mask)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return ``(batch, dim)``, not normalised."""
        point: Tensor = self.head(self.sentence(ids, mask))
        return point


def tune(
    tower: SentenceTower,
    tokenizer: Path,
    texts: Sequence[str],
    points: Vectors,
    weights: Vectors,
    schedule: EncoderSchedule,
    run: Path,
) -> SentenceTower:
    """Train a tower on the cosine to known embeddings, or resume an interrupted run.

    Args:
        tower: Tower with initial weights.
        tokenizer: ``tokenizer.json``.
        texts: Texts.
        points: ``(texts, dim)`` float32 known embeddings; their lengths are ignored.
        weights: ``(texts,)`` float32 weights.
        schedule: Training schedule.
        run: Folder of checkpoints and of ``metrics.csv``.
    """
    lightning.seed_everything(schedule.seed, verbose=False)
    cutter = open_tokenizer(tokenizer, schedule.max_tokens)
    ids = [encoding.ids for encoding in cutter.encode_batch(list(texts))]
    lesson = _Module(tower.train(), schedule)  # with dropout, against overfitting on words
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=schedule.epochs,
        precision=schedule.precision,
        callbacks=[ModelCheckpoint(run / "checkpoints", save_last=True)],
        logger=CSVLogger(run, name=None, version=""),
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=20,
        gradient_clip_val=1.0,
    )
    last = run / "checkpoints" / "last.ckpt"
    lengths = np.array([len(one) for one in ids])
    loader = DataLoader(
        _Read(ids, points, weights),
        batch_sampler=_LikeLengths(lengths, schedule),
        collate_fn=_padded,
    )
    trainer.fit(lesson, loader, ckpt_path=last if last.exists() else None, weights_only=True)
    return lesson.tower.eval()


class _Read(Dataset[tuple[list[int], Vectors, float]]):
    def __init__(self, ids: list[list[int]], points: Vectors, weights: Vectors) -> None:
        self.ids, self.points, self.weights = ids, points, weights

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[list[int], Vectors, float]:
        return self.ids[index], self.points[index], float(self.weights[index])


def _padded(batch: list[tuple[list[int], Vectors, float]]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    longest = max(len(ids) for ids, _, _ in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, (one, _, _) in enumerate(batch):
        ids[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    points = torch.from_numpy(np.stack([point for _, point, _ in batch]))
    return ids, mask, points, torch.tensor([weight for _, _, weight in batch])


class _LikeLengths(Sampler[list[int]]):
    """Batches of texts of similar length, in an order determined by seed and epoch."""

    def __init__(self, lengths: npt.NDArray[np.int64], schedule: EncoderSchedule) -> None:
        self.lengths, self.batch, self.seed = lengths, schedule.batch, schedule.seed
        self.epoch = 0

    @property
    def sampler(self) -> "_LikeLengths":
        """Object on which Lightning looks for ``set_epoch``."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; called by Lightning at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths) // self.batch

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng([self.seed, self.epoch])
        order = random.permutation(len(self.lengths))[: len(self) * self.batch]
        batches: list[npt.NDArray[np.int64]] = []
        for first in range(0, len(order), _POOL * self.batch):
            pool = order[first : first + _POOL * self.batch]
            pool = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches += np.split(pool, len(pool) // self.batch)
        for at in random.permutation(len(batches)):
            yield batches[at].tolist()


class _Module(lightning.LightningModule):
    def __init__(self, tower: SentenceTower, schedule: EncoderSchedule) -> None:
        super().__init__()
        self.tower = tower
        self.schedule = schedule

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor, Tensor], _: int) -> Tensor:
        ids, mask, points, weights = batch
        away = 1 - functional.cosine_similarity(self.tower(ids, mask), points)
        loss = (weights * away).sum() / weights.sum()
        self.log("loss", loss, batch_size=len(ids))
        return loss

    def on_train_epoch_end(self) -> None:
        loss = self.trainer.callback_metrics["loss"]
        print(f"epoch {self.current_epoch + 1}: loss {loss:.3f}", flush=True)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - as Lightning declares it
        rates = [self.schedule.learning_rate, self.schedule.head_rate]
        optimizer = torch.optim.AdamW(
            [
                {"params": list(self.tower.encoder.parameters()), "lr": rates[0]},
                {"params": list(self.tower.head.parameters()), "lr": rates[1]},
            ],
            weight_decay=self.schedule.weight_decay,
        )
        steps = int(self.trainer.estimated_stepping_batches)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, rates, total_steps=steps, pct_start=0.1
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
