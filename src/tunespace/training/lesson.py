"""The loop's inside: one step of training, one of validation.

A step is optimised by hand, since a contrastive loss needs the whole batch at once: where the
batch does not fit, it goes through the towers in parts, twice, with cached gradients (Gao et al.
2021), and the gradient is that of the whole batch. Layers that look at a whole batch themselves
(batch norm) see a part.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.errors import TrainingError
from tunespace.evaluation.ranking import first_rank, rank_vectors, recall_at, reciprocal_rank
from tunespace.training.data.batches import Batch
from tunespace.training.losses import Pairs, build_loss
from tunespace.training.recipe import Recipe
from tunespace.training.two_towers import TwoTowers

# Recall at 10 chooses the checkpoint, the reciprocal rank where it is the same: among few clips it
# is soon 1.
MONITORED = "choice"


class Lesson(lightning.LightningModule):
    """Trains two towers.

    Attributes:
        towers: That are trained.
        loss: With what it learns itself, as a temperature.
    """

    def __init__(self, recipe: Recipe, towers: TwoTowers, steps: int) -> None:
        """Takes the towers and the number of steps of the whole run."""
        super().__init__()
        self.automatic_optimization = False
        self.recipe, self.steps = recipe, max(1, steps)
        self.towers = towers
        self.loss = build_loss(recipe.loss)
        self._judged: list[tuple[Tensor, Tensor, Tensor]] = []

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One step of the optimiser."""
        schedule = self.recipe.schedule
        optimiser: Any = self.optimizers()
        optimiser.zero_grad()
        pieces = list(torch.arange(len(batch)).chunk(schedule.parts))
        if len(pieces) == 1:
            loss = self._loss(batch, *self._embed(batch, pieces[0], 0))
            self._require_number(loss)
            self.manual_backward(loss)
        else:
            with self._unsynchronised():
                loss = self._by_parts(batch, pieces)
            self._average_gradients()
        if schedule.clip:
            nn.utils.clip_grad_norm_(self.parameters(), schedule.clip)
        optimiser.step()
        rates: Any = self.lr_schedulers()
        rates.step()
        self.log("loss", loss.detach(), on_step=False, on_epoch=True, batch_size=len(batch))
        scale = getattr(self.loss, "logit_scale", None)
        if isinstance(scale, Tensor):
            temperature = (-scale.detach()).exp()
            self.log("temperature", temperature, on_step=False, on_epoch=True, batch_size=1)
        return loss.detach()

    def _by_parts(self, batch: Batch, pieces: list[Tensor]) -> Tensor:
        with torch.no_grad(), _keeping_batch_norm(self.towers):
            first = [self._embed(batch, rows, n) for n, rows in enumerate(pieces)]
        audio = torch.cat([a for a, _ in first]).requires_grad_()
        text = torch.cat([t for _, t in first]).requires_grad_()
        loss = self._loss(batch, audio, text)
        self._require_number(loss)
        self.manual_backward(loss)
        if audio.grad is None or text.grad is None:
            raise RuntimeError("the loss does not depend on what was embedded")
        for n, rows in enumerate(pieces):
            again = self._embed(batch, rows, n)
            wanted = (audio.grad[rows], text.grad[rows])
            inner = [(a * g).sum() for a, g in zip(again, wanted, strict=True)]
            self.manual_backward(inner[0] + inner[1])
        return loss

    def _embed(self, batch: Batch, rows: Tensor, part: int) -> tuple[Tensor, Tensor]:
        """Unit rows; equal calls within a step give equal numbers."""
        self._seed(part)
        audio = self.towers.embed_audio(batch.log_mel[rows])
        text = self.towers.embed_text(batch.ids[rows], batch.mask[rows])
        return functional.normalize(audio.float(), dim=1), functional.normalize(text.float(), dim=1)

    def _loss(self, batch: Batch, audio: Tensor, text: Tensor) -> Tensor:
        self._seed(self.recipe.schedule.parts)
        facts = [batch.text_key, batch.labels, batch.said]
        if self.trainer.world_size > 1:
            # With their gradients: without them a process would learn from its own rows alone.
            audio, text = (self._gathered(rows, grads=True) for rows in (audio, text))
            facts = [self._gathered(rows, grads=False) for rows in facts]
        loss: Tensor = self.loss(Pairs(audio, text, *facts))
        return loss

    def _gathered(self, rows: Tensor, *, grads: bool) -> Tensor:
        found: Any = self.all_gather(rows, sync_grads=grads)
        joined: Tensor = found.flatten(0, 1)
        return joined

    def _seed(self, part: int) -> None:
        # By step, so that a run that goes on draws what an unbroken one would.
        place = (self.recipe.schedule.seed, self.global_step, part, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def _require_number(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {float(loss.detach())} at step {self.global_step}: lower "
                "schedule.learning_rate; the last checkpoint is kept, and the same command goes "
                "on from it"
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
        """Hears a clip at several places, as it is heard in a model folder."""
        clips, places = batch.log_mel.shape[:2]
        heard = self.towers.embed_audio(batch.log_mel.flatten(0, 1))
        audio = heard.reshape(clips, places, -1).float().mean(1)
        text = self.towers.embed_text(batch.ids, batch.mask).float()
        self._judged.append((audio.cpu(), text.cpu(), batch.text_key.cpu()))

    def on_validation_epoch_end(self) -> None:
        """Ranks all clips for each text."""
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
            MONITORED: recall + reciprocal / 1000,
        }
        self.log_dict(figures, rank_zero_only=True)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - as Lightning declares it
        """The optimiser of the recipe; the rate rises in a line and falls with a cosine."""
        schedule = self.recipe.schedule
        slow = set(self.towers.text.parameters())
        learned = [p for p in self.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in learned if p not in slow], "lr": schedule.learning_rate},
            {
                "params": [p for p in learned if p in slow],
                "lr": schedule.text_learning_rate or schedule.learning_rate,
            },
        ]
        groups = [group for group in groups if group["params"]]
        optimiser: torch.optim.Optimizer
        match schedule.optimiser:
            case "adam":
                optimiser = torch.optim.Adam(groups, weight_decay=schedule.weight_decay)
            case "adamw":
                optimiser = torch.optim.AdamW(groups, weight_decay=schedule.weight_decay)
            case "sgd":
                optimiser = torch.optim.SGD(
                    groups, momentum=0.9, nesterov=True, weight_decay=schedule.weight_decay
                )
        rates = torch.optim.lr_scheduler.LambdaLR(optimiser, self._rate)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": rates, "interval": "step"}}

    def _rate(self, step: int) -> float:
        rising = round(self.recipe.schedule.warm_up * self.steps)
        if step < rising:
            return (step + 1) / rising
        done = (step - rising) / max(1, self.steps - rising)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Moves each tensor."""
        del dataloader_idx
        return Batch(*(getattr(batch, field.name).to(device) for field in fields(batch)))


@contextmanager
def _keeping_batch_norm(model: nn.Module) -> Iterator[None]:
    """Running statistics stay as they are: a part that goes through twice must count once."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]  # noqa: SLF001
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
