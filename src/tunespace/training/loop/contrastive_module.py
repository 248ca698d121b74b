"""The loop's inside: one step of training, one of validation.

A step is optimised by hand, since a contrastive loss needs the whole batch at once: where the
batch does not fit, it goes through the towers in parts, twice, with cached gradients (Gao et al.
2021), and the gradient is that of the whole batch. Layers that look at a whole batch themselves
(batch norm) see a part.
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
from tunespace.training.loop.optimizers import optimisation
from tunespace.training.loop.spec_augment import augmented
from tunespace.training.losses import Pairs, build_loss, nt_xent
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import Recipe
from tunespace.training.towers.dual_encoder import TwoTowers

# Recall at 10 chooses the checkpoint, the reciprocal rank where it is the same: among few clips it
# is soon 1.
MONITORED = "choice"

Points = dict[str, Tensor]
"""What became of a batch, ``(batch, ...)`` each: audio, image, own, second, text, wrong."""


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
        self.loss = build_loss(recipe.loss, recipe.joint.dim)
        # A running average to validate and to export; a slower copy to learn from.
        self.average = _averaged(towers, recipe.schedule.average)
        momentum = recipe.loss.momentum if isinstance(recipe.loss, config.Slap) else 0.0
        self.slow = _averaged(towers, momentum)
        self._judged: list[tuple[Tensor, Tensor, Tensor]] = []

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One step of the optimiser."""
        schedule = self.recipe.schedule
        optimiser: Any = self.optimizers()
        optimiser.zero_grad()
        self._change(batch)
        pieces = list(torch.arange(len(batch)).chunk(schedule.parts))
        # Averaged by hand: a step that is optimised by hand was seen to leave each process with its
        # own gradient (Lightning 2.6), and one in parts goes backward several times.
        with self._unsynchronised():
            loss = self._whole(batch) if len(pieces) == 1 else self._by_parts(batch, pieces)
        self._average_gradients()
        if schedule.clip:
            nn.utils.clip_grad_norm_(self.parameters(), schedule.clip)
        optimiser.step()
        for copy in (self.average, self.slow):
            if copy is not None:
                copy.update_parameters(self.towers)
        rates: Any = self.lr_schedulers()
        rates.step()
        self.log("loss", loss.detach(), on_step=False, on_epoch=True, batch_size=len(batch))
        scale = getattr(self.loss, "logit_scale", None)
        if isinstance(scale, Tensor):
            temperature = (-scale.detach()).exp()
            self.log("temperature", temperature, on_step=False, on_epoch=True, batch_size=1)
        return loss.detach()

    def _change(self, batch: Batch) -> None:
        """What is done to the sound, once a step: parts go through the towers twice."""
        if self.recipe.augment == config.Augment():
            return
        self._seed(self.recipe.schedule.parts + 1)
        hidden = self.towers.mean_db
        batch.log_mel = augmented(batch.log_mel, self.recipe.augment, hidden)
        if batch.second is not None:
            batch.second = augmented(batch.second, self.recipe.augment, hidden)

    def _whole(self, batch: Batch) -> Tensor:
        loss = self._loss(batch, self._embed(batch, 0))
        self._require_number(loss)
        self.manual_backward(loss)
        return loss

    def _by_parts(self, batch: Batch, pieces: list[Tensor]) -> Tensor:
        shares = [batch.each(lambda x, rows=rows: x[rows]) for rows in pieces]  # type: ignore[misc]
        with torch.no_grad(), _keeping_batch_norm(self.towers):
            first = [self._embed(part, n) for n, part in enumerate(shares)]
        points = {
            name: torch.cat([one[name] for one in first]).requires_grad_() for name in first[0]
        }
        loss = self._loss(batch, points)
        self._require_number(loss)
        self.manual_backward(loss)
        for n, (part, rows) in enumerate(zip(shares, pieces, strict=True)):
            again = self._embed(part, n)
            inner = [
                (again[name] * found.grad[rows]).sum()
                for name, found in points.items()
                if found.grad is not None
            ]
            self.manual_backward(torch.stack(inner).sum())
        return loss

    def _embed(self, batch: Batch, part: int) -> Points:
        """Unit rows; equal calls within a step give equal numbers."""
        self._seed(part)
        towers = self.towers
        music = towers.standardised(batch.log_mel)
        heard = towers.heard(music, batch.factors, batch.known)
        points = {"audio": towers.audio_head(heard)}
        if towers.image is not None:
            points["image"] = towers.seen(music)
        if towers.own_head is not None and batch.second is not None:
            again = towers.heard(towers.standardised(batch.second), batch.factors, batch.known)
            points["own"], points["second"] = towers.own_head(heard), towers.own_head(again)
        points["text"] = self._said(batch)
        if batch.wrong_ids is not None and batch.wrong_mask is not None:
            points["wrong"] = self._read(batch.wrong_ids, batch.wrong_mask)
        if self.slow is not None:
            slow: Any = self.slow.module
            with torch.no_grad():
                points["slow_audio"] = slow.embed_audio(batch.log_mel, batch.factors, batch.known)
                points["slow_text"] = self._said(batch, slow)
        return {name: functional.normalize(x.float(), dim=-1) for name, x in points.items()}

    def _said(self, batch: Batch, towers: TwoTowers | None = None) -> Tensor:
        """``(batch, views, dim)``: what is said, or what a frozen tower made of it."""
        towers = towers or self.towers
        if not isinstance(self.recipe.text, config.FrozenText):
            return self._read(batch.ids, batch.mask, towers)
        if batch.meaning is None:
            raise RuntimeError("nobody told what the texts mean")
        points: Tensor = towers.text_head(batch.meaning)
        return points

    def _read(self, ids: Tensor, mask: Tensor, towers: TwoTowers | None = None) -> Tensor:
        """``(batch, views, dim)``."""
        points = (towers or self.towers).embed_text(ids.flatten(0, 1), mask.flatten(0, 1))
        return points.reshape(*ids.shape[:2], -1)

    def _loss(self, batch: Batch, points: Points) -> Tensor:
        self._seed(self.recipe.schedule.parts)
        names = ("text_key", "labels", "said", "has_wrong", "meaning")
        facts = {name: x for name in names if (x := getattr(batch, name)) is not None}
        if self.trainer.world_size > 1:
            # With their gradients: without them a process would learn from its own rows alone.
            points = {name: self._gathered(x, grads=True) for name, x in points.items()}
            facts = {name: self._gathered(x, grads=False) for name, x in facts.items()}
        losses = []
        for view in range(points["text"].shape[1]):
            pairs = Pairs(
                points["audio"],
                points["text"][:, view],
                facts["text_key"][:, view],
                facts["labels"],
                facts["said"][:, view],
                wrong=points["wrong"][:, view] if "wrong" in points else None,
                has_wrong=facts["has_wrong"][:, view] if "has_wrong" in facts else None,
                image=points.get("image"),
                meaning=facts["meaning"][:, view] if "meaning" in facts else None,
                slow_audio=points.get("slow_audio"),
                slow_text=points["slow_text"][:, view] if "slow_text" in points else None,
            )
            losses.append(self.loss(pairs))
        loss = torch.stack(losses).mean()
        own = self.recipe.self_supervision
        if "second" in points:
            alone = nt_xent(points["own"], points["second"], own.temperature)
            loss = (1 - own.weight) * loss + own.weight * alone
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
        factors, known = (
            None if x is None else x.repeat_interleave(places, 0)
            for x in (batch.factors, batch.known)
        )
        towers: Any = self.towers if self.average is None else self.average.module
        heard = towers.embed_audio(batch.log_mel.flatten(0, 1), factors, known)
        audio = heard.reshape(clips, places, -1).float().mean(1)
        text = self._said(batch, towers)[:, 0].float()
        self._judged.append((audio.cpu(), text.cpu(), batch.text_key[:, 0].cpu()))

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
        # Each process judges all of it, so there is nothing to gather.
        self.log_dict(figures, sync_dist=False)

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - as Lightning declares it
        """The optimiser of the recipe and the course of its rate."""
        text = set(self.towers.text.parameters())
        learned = [p for p in self.parameters() if p.requires_grad]
        return optimisation(
            self.recipe.schedule,
            [p for p in learned if p not in text],
            [p for p in learned if p in text],
            self.steps,
        )

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Moves each tensor."""
        del dataloader_idx
        return batch.each(lambda x: x.to(device))


def _averaged(towers: TwoTowers, decay: float) -> AveragedModel | None:
    """A copy that follows slowly, and is not trained itself."""
    if not decay:
        return None
    follows: Any = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    copy = AveragedModel(towers, multi_avg_fn=follows, use_buffers=True)
    copy.requires_grad_(requires_grad=False)
    return copy


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
