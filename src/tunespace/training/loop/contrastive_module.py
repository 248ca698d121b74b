"""Lightning module of contrastive training: training and validation steps.

Optimisation is manual, since a contrastive loss needs the whole batch at once: if the batch does
not fit into memory, it goes through the towers in chunks, twice, with cached gradients (Gao et al.
2021), and the gradient is that of the whole batch. Layers with batch statistics (batch norm) see
one chunk at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tunespace.errors import TrainingError
from tunespace.evaluation.metrics.ranking import (
    first_rank,
    rank_vectors,
    recall_at,
    reciprocal_rank,
)
from tunespace.training.data.collate import Batch
from tunespace.training.loop.optimizers import ParameterGroup, build_optimizer
from tunespace.training.loop.spec_augment import augment_batch
from tunespace.training.losses import BatchEmbeddings, build_loss, nt_xent
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import Recipe
from tunespace.training.towers.dual_encoder import DualEncoder

# The metric that the recipe chooses the checkpoint by.
MONITORED_METRIC = "choice"

Embeddings = dict[str, Tensor]
"""Embeddings of a batch by name, ``(batch, ...)`` each: audio, text, image, hard_negative, ..."""


class ContrastiveModule(lightning.LightningModule):
    """Trains a dual encoder.

    Attributes:
        towers: Dual encoder.
        loss: Loss, with its own parameters such as the temperature.
        figures_before: Validation figures before the first step; empty if they were not computed.
    """

    def __init__(self, recipe: Recipe, towers: DualEncoder, steps: int) -> None:
        """Take the dual encoder and the number of steps of the whole run."""
        super().__init__()
        self.automatic_optimization = False
        self.recipe, self.steps = recipe, max(1, steps)
        self.towers = towers
        self.loss = build_loss(recipe.loss, recipe.projection.dim)
        # An average of the weights to validate and export, and a target network for SLAP.
        self.ema = _ema_copy(towers, recipe.schedule.ema_decay)
        momentum = recipe.loss.momentum if isinstance(recipe.loss, config.SlapConfig) else 0.0
        self.target = _ema_copy(towers, momentum)
        self._judged: list[tuple[Tensor, Tensor, Tensor]] = []
        self.figures_before: dict[str, float] = {}

    def on_fit_start(self) -> None:
        """Set the training mode: pretrained networks come in evaluation mode."""
        self.towers.train()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Run one optimizer step."""
        schedule = self.recipe.schedule
        optimiser: Any = self.optimizers()
        optimiser.zero_grad()
        self._augment(batch)
        pieces = list(torch.arange(len(batch)).chunk(schedule.grad_cache_chunks))
        # Averaged explicitly: with manual optimisation each process was left with its own gradient
        # (Lightning 2.6), and a chunked step goes backward several times.
        with self._unsynchronised():
            loss = (
                self._backward_whole(batch)
                if len(pieces) == 1
                else self._backward_cached(batch, pieces)
            )
        self._average_gradients()
        if schedule.max_grad_norm:
            nn.utils.clip_grad_norm_(self.parameters(), schedule.max_grad_norm)
        optimiser.step()
        for copy in (self.ema, self.target):
            if copy is not None:
                copy.update_parameters(self.towers)
        rates: Any = self.lr_schedulers()
        rates.step()
        self._log_epoch_mean("loss", loss, len(batch))
        scale = getattr(self.loss, "logit_scale", None)
        if isinstance(scale, Tensor):
            temperature = (-scale).exp()
            self._log_epoch_mean("temperature", temperature, 1)
        return loss.detach()

    def _log_epoch_mean(self, name: str, value: Tensor, batch_size: int) -> None:
        self.log(
            name,
            value.detach(),
            on_step=False,
            on_epoch=True,
            batch_size=batch_size,
            sync_dist=self.trainer.world_size > 1,
        )

    def _augment(self, batch: Batch) -> None:
        """Augment the batch, once a step: chunks go through the towers twice."""
        if self.recipe.augment == config.AugmentConfig():
            return
        self._seed(self.recipe.schedule.grad_cache_chunks + 1)
        hidden = self.towers.mean_db
        batch.log_mel = augment_batch(batch.log_mel, self.recipe.augment, hidden)
        if batch.second_log_mel is not None:
            batch.second_log_mel = augment_batch(batch.second_log_mel, self.recipe.augment, hidden)

    def _backward_whole(self, batch: Batch) -> Tensor:
        loss = self._loss(batch, self._embed(batch, 0))
        self._require_finite(loss)
        self.manual_backward(loss)
        return loss

    def _backward_cached(self, batch: Batch, pieces: list[Tensor]) -> Tensor:
        shares = [batch.each(lambda x, rows=rows: x[rows]) for rows in pieces]  # type: ignore[misc]
        with torch.no_grad(), _frozen_batch_norm_statistics(self.towers):
            first = [self._embed(part, n) for n, part in enumerate(shares)]
        embeddings = {
            name: torch.cat([one[name] for one in first]).requires_grad_() for name in first[0]
        }
        loss = self._loss(batch, embeddings)
        self._require_finite(loss)
        self.manual_backward(loss)
        for n, (part, rows) in enumerate(zip(shares, pieces, strict=True)):
            again = self._embed(part, n)
            inner = [
                (again[name] * embedding.grad[rows]).sum()
                for name, embedding in embeddings.items()
                if embedding.grad is not None
            ]
            self.manual_backward(torch.stack(inner).sum())
        return loss

    def _embed(self, batch: Batch, part: int) -> Embeddings:
        """Return unit rows; equal calls within a step return equal values."""
        self._seed(part)
        towers = self.towers
        music = towers.standardize(batch.log_mel)
        features = towers.audio_features(music, batch.factors, batch.has_factors)
        embeddings = {"audio": towers.audio_head(features)}
        if towers.image is not None:
            embeddings["image"] = towers.image_features(music)
        if towers.ssl_head is not None and batch.second_log_mel is not None:
            again = towers.audio_features(
                towers.standardize(batch.second_log_mel), batch.factors, batch.has_factors
            )
            embeddings["ssl_first"], embeddings["ssl_second"] = (
                towers.ssl_head(features),
                towers.ssl_head(again),
            )
        embeddings["text"] = self._text_embeddings(batch)
        if batch.hard_negative_ids is not None and batch.hard_negative_mask is not None:
            embeddings["hard_negative"] = self._encode_text(
                batch.hard_negative_ids, batch.hard_negative_mask
            )
        if self.target is not None:
            target: Any = self.target.module
            with torch.no_grad():
                embeddings["ema_audio"] = target.embed_audio(
                    batch.log_mel, batch.factors, batch.has_factors
                )
                embeddings["ema_text"] = self._text_embeddings(batch, target)
        return {name: functional.normalize(x.float(), dim=-1) for name, x in embeddings.items()}

    def _text_embeddings(self, batch: Batch, towers: DualEncoder | None = None) -> Tensor:
        """Return ``(batch, views, dim)`` embeddings of texts, or projected fixed features."""
        towers = towers or self.towers
        if not isinstance(self.recipe.text_tower, config.FrozenTextConfig):
            return self._encode_text(batch.ids, batch.mask, towers)
        if batch.text_features is None:
            raise RuntimeError("batch.text_features is missing: a frozen text tower needs it")
        embeddings: Tensor = towers.text_head(batch.text_features)
        return embeddings

    def _encode_text(self, ids: Tensor, mask: Tensor, towers: DualEncoder | None = None) -> Tensor:
        """Return ``(batch, views, dim)`` embeddings of tokenized texts."""
        embeddings = (towers or self.towers).embed_text(ids.flatten(0, 1), mask.flatten(0, 1))
        return embeddings.reshape(*ids.shape[:2], -1)

    def _loss(self, batch: Batch, embeddings: Embeddings) -> Tensor:
        self._seed(self.recipe.schedule.grad_cache_chunks)
        names = ("text_key", "labels", "text_labels", "has_hard_negative", "text_features")
        facts = {name: x for name in names if (x := getattr(batch, name)) is not None}
        if self.trainer.world_size > 1:
            # With gradients: without them a process would learn from its own rows alone.
            embeddings = {name: self._gather(x, grads=True) for name, x in embeddings.items()}
            facts = {name: self._gather(x, grads=False) for name, x in facts.items()}
        losses = []
        for view in range(embeddings["text"].shape[1]):
            inputs = BatchEmbeddings(
                embeddings["audio"],
                embeddings["text"][:, view],
                facts["text_key"][:, view],
                facts["labels"],
                facts["text_labels"][:, view],
                hard_negative=embeddings["hard_negative"][:, view]
                if "hard_negative" in embeddings
                else None,
                has_hard_negative=facts["has_hard_negative"][:, view]
                if "has_hard_negative" in facts
                else None,
                image=embeddings.get("image"),
                text_features=facts["text_features"][:, view] if "text_features" in facts else None,
                ema_audio=embeddings.get("ema_audio"),
                ema_text=embeddings["ema_text"][:, view] if "ema_text" in embeddings else None,
            )
            losses.append(self.loss(inputs))
        loss = torch.stack(losses).mean()
        own = self.recipe.self_supervision
        if "ssl_second" in embeddings:
            alone = nt_xent(embeddings["ssl_first"], embeddings["ssl_second"], own.temperature)
            loss = (1 - own.weight) * loss + own.weight * alone
        return loss

    def _gather(self, rows: Tensor, *, grads: bool) -> Tensor:
        gathered: Any = self.all_gather(rows, sync_grads=grads)
        joined: Tensor = gathered.flatten(0, 1)
        return joined

    def _seed(self, part: int) -> None:
        # By step, so that a resumed run draws what an uninterrupted one would.
        place = (self.recipe.schedule.seed, self.global_step, part, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def _require_finite(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {float(loss.detach())} at step {self.global_step}: lower "
                "schedule.learning_rate; the last checkpoint is kept, and the same command resumes "
                "from it"
            )

    def _unsynchronised(self) -> Any:  # noqa: ANN401 - a context
        model: Any = self.trainer.model
        return model.no_sync() if self.trainer.world_size > 1 else nullcontext()

    def _average_gradients(self) -> None:
        if self.trainer.world_size == 1:
            return
        for parameter in self.parameters():
            if parameter.grad is not None:
                torch.distributed.all_reduce(parameter.grad)
                parameter.grad /= self.trainer.world_size

    def validation_step(self, batch: Batch, _: int) -> None:
        """Embed several crops of a clip and average them, as a model folder does."""
        clips, places = batch.log_mel.shape[:2]
        factors, known = (
            None if x is None else x.repeat_interleave(places, 0)
            for x in (batch.factors, batch.has_factors)
        )
        towers: Any = self.towers if self.ema is None else self.ema.module
        windows = towers.embed_audio(batch.log_mel.flatten(0, 1), factors, known)
        audio = windows.reshape(clips, places, -1).float().mean(1)
        text = self._text_embeddings(batch, towers)[:, 0].float()
        self._judged.append((audio.cpu(), text.cpu(), batch.text_key[:, 0].cpu()))

    def on_validation_epoch_end(self) -> None:
        """Rank all clips for each text."""
        audio, text, key = (torch.cat(column) for column in zip(*self._judged, strict=True))
        self._judged = []
        audio, text = functional.normalize(audio, dim=1), functional.normalize(text, dim=1)
        relevant = [np.flatnonzero((key == one).numpy()) for one in key]
        ranked = rank_vectors(text.numpy(), audio.numpy(), relevant)
        recall = float(recall_at(ranked, 10).mean())
        reciprocal = float(reciprocal_rank(ranked).mean())
        figures = {
            "recall@10": recall,
            "mrr": reciprocal,
            "median_rank": float(np.median(first_rank(ranked))),
        }
        if self.trainer.sanity_checking:
            self.figures_before = figures
            return
        by_recall = self.recipe.schedule.checkpoint_metric == "recall@10"
        # With few clips the recall soon is 1.
        choice = recall + reciprocal / 1000 if by_recall else reciprocal
        # Each process validates on all clips: their figures are equal.
        self.log_dict({**figures, MONITORED_METRIC: choice}, sync_dist=self.trainer.world_size > 1)
        rates: Any = self.lr_schedulers()
        rates.end_epoch(choice)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - as Lightning declares it
        """Return optimizer and learning-rate schedule of the recipe."""
        schedule, tower = self.recipe.schedule, self.recipe.audio_tower
        text = set(self.towers.text.parameters())
        l2 = tower.kernel_l2 if isinstance(tower, config.Conv1dConfig) else 0.0
        kernels = {p for p in self.towers.audio.parameters() if l2 and p.ndim > 1}
        learned = [p for p in self.parameters() if p.requires_grad]
        rate, apart = schedule.learning_rate, text | kernels
        groups = [
            ParameterGroup([p for p in learned if p not in apart], rate),
            ParameterGroup([p for p in learned if p in kernels], rate, l2),
            ParameterGroup([p for p in learned if p in text], schedule.text_learning_rate or rate),
        ]
        return build_optimizer(schedule, groups, self.steps)

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Move each tensor to a device."""
        del dataloader_idx
        return batch.each(lambda x: x.to(device))


def _ema_copy(towers: DualEncoder, decay: float) -> AveragedModel | None:
    """Return a copy that follows the weights by an exponential moving average; None for decay 0."""
    if not decay:
        return None
    follows: Any = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    copy = AveragedModel(towers, multi_avg_fn=follows, use_buffers=True)
    copy.requires_grad_(requires_grad=False)
    return copy


@contextmanager
def _frozen_batch_norm_statistics(model: nn.Module) -> Iterator[None]:
    """Keep running statistics unchanged: a chunk that goes through twice must count once."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]  # noqa: SLF001
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
