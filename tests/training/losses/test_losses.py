from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.training.losses import BatchEmbeddings, InfoNCE, build_loss, nt_xent
from tunespace.training.losses.negative_sampling import sample_negatives
from tunespace.training.recipe import config

LOSSES: list[config.LossConfig] = [
    config.InfoNCEConfig(),
    config.InfoNCEConfig(mask_duplicates=False, learnable=False),
    config.WeightedInfoNCEConfig(),
    config.DecoupledConfig(),
    config.SigmoidConfig(),
    config.ThreeWayConfig(),
    config.SlapConfig(hidden=6),
    config.TripletConfig(anchor="both"),
    config.TripletConfig(anchor="both", reduction="sum"),
    config.TripletConfig(anchor="audio", negatives="hard"),
    config.TripletConfig(anchor="audio", negatives="weighted"),
    config.TripletConfig(anchor="text", negatives="weighted-by-labels"),
]


def batch(
    batch: int = 6,
    dim: int = 5,
    *,
    dtype: torch.dtype = torch.float64,
    same: bool = False,
    hard: bool = False,
) -> BatchEmbeddings:
    torch.manual_seed(1)
    audio, text, wrong, image, meaning, ema_audio, ema_text = (
        functional.normalize(torch.randn(batch, dim, dtype=dtype)) for _ in range(7)
    )
    labels = torch.eye(batch, dtype=torch.bool)
    key = torch.zeros(batch, dtype=torch.int64) if same else torch.arange(batch)
    found = BatchEmbeddings(audio, text, key, labels, labels, image=image, text_features=meaning)
    has_negative = torch.arange(batch) > 0
    slow = replace(found, ema_audio=ema_audio, ema_text=ema_text)
    return replace(slow, hard_negative=wrong, has_hard_negative=has_negative) if hard else slow


def with_rows(found: BatchEmbeddings, audio: Tensor, text: Tensor) -> BatchEmbeddings:
    audio, text = (functional.normalize(x, dim=1) for x in (audio, text))
    return replace(found, audio=audio, text=text)


def test_infonce_is_the_mean_of_both_cross_entropies() -> None:
    found = batch()
    scores = np.exp((found.audio @ found.text.T).numpy() / 0.2)
    own = np.diagonal(scores)
    wanted = -0.5 * (np.log(own / scores.sum(1)) + np.log(own / scores.sum(0))).mean()
    loss = build_loss(config.InfoNCEConfig(temperature=0.2), 5).double()
    assert float(loss(found).detach()) == pytest.approx(wanted, abs=1e-6)


def test_the_temperature_of_infonce_is_learned_and_bounded() -> None:
    loss = build_loss(config.InfoNCEConfig(temperature=0.2, max_scale=100.0), 5)
    assert isinstance(loss.logit_scale, nn.Parameter)
    loss(batch()).backward()
    assert loss.logit_scale.grad is not None
    with torch.no_grad():
        loss.logit_scale.fill_(50.0)
    assert torch.isfinite(loss(batch()))
    fixed = build_loss(config.InfoNCEConfig(learnable=False), 5)
    assert not any(p.requires_grad for p in fixed.parameters())


def test_the_same_text_of_another_clip_is_no_negative() -> None:
    alike = batch(same=True)
    assert float(build_loss(config.InfoNCEConfig(), 5)(alike).detach()) == pytest.approx(
        0, abs=1e-6
    )
    assert float(build_loss(config.InfoNCEConfig(mask_duplicates=False), 5)(alike).detach()) > 0.1
    assert float(build_loss(config.TripletConfig(), 5)(alike).detach()) == 0


def test_triplet_is_the_hinge_on_the_only_negative_there_is() -> None:
    found = batch(batch=2)
    s = (found.text @ found.audio.T).numpy()
    by_text = np.maximum(0, 0.4 - np.diagonal(s) + s[[0, 1], [1, 0]])
    by_audio = np.maximum(0, 0.4 - np.diagonal(s) + s[[1, 0], [0, 1]])
    values = {
        anchor: float(build_loss(config.TripletConfig(anchor=anchor), 5)(found).detach())
        for anchor in ("text", "audio", "both")
    }
    assert values["text"] == pytest.approx(by_text.mean(), abs=1e-6)
    assert values["audio"] == pytest.approx(by_audio.mean(), abs=1e-6)
    assert values["both"] == pytest.approx((by_text.mean() + by_audio.mean()) / 2, abs=1e-6)


def test_a_clip_that_carries_the_tag_is_never_a_negative_of_it() -> None:
    labels = torch.tensor([[1, 0], [1, 1], [0, 1]], dtype=torch.bool)
    named = torch.tensor([[1, 0], [0, 1], [0, 1]], dtype=torch.bool)
    rows = functional.normalize(torch.randn(3, 4), dim=1)
    found = BatchEmbeddings(rows, rows, torch.tensor([0, 1, 1]), labels, named)
    wanted = torch.tensor([[1, 1, 0], [0, 1, 1], [0, 1, 1]], dtype=torch.bool)
    assert torch.equal(found.positives(), wanted)


def test_weighted_negatives_come_in_proportion_to_their_closeness() -> None:
    torch.manual_seed(0)
    cosines = torch.tensor([[0.9, 0.5, -0.5, -1.0]]).repeat(20_000, 1)
    positives = torch.tensor([[True, False, False, False]]).repeat(20_000, 1)
    differing = torch.tensor([[0.0, 3.0, 1.0, 1.0]]).repeat(20_000, 1)
    share: Callable[[Tensor], list[float]] = lambda rows: [  # noqa: E731
        float((rows == n).float().mean()) for n in range(4)
    ]
    random, found = sample_negatives(cosines, positives, differing, "random")
    assert found.all()
    assert share(random) == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3], abs=0.02)
    weighted, _ = sample_negatives(cosines, positives, differing, "weighted")
    assert share(weighted) == pytest.approx([0, 0.75, 0.25, 0], abs=0.02)
    labelled, _ = sample_negatives(cosines, positives, differing, "weighted-by-labels")
    assert share(labelled) == pytest.approx([0, 0.5, 0.5, 0], abs=0.02)


def test_an_anchor_without_a_negative_does_not_count() -> None:
    _, found = sample_negatives(
        torch.zeros(2, 2),
        torch.tensor([[True, True], [True, False]]),
        torch.zeros(2, 2),
        "random",
    )
    assert found.tolist() == [False, True]


@pytest.mark.parametrize("settings", LOSSES, ids=str)
def test_gradients_equal_numerical_ones(settings: config.LossConfig) -> None:
    found, loss = batch(hard=True), build_loss(settings, 5).double()

    def value(audio: Tensor, text: Tensor) -> Tensor:
        torch.manual_seed(3)
        number: Tensor = loss(with_rows(found, audio, text))
        return number

    rows = tuple(x.clone().requires_grad_() for x in (found.audio, found.text))
    assert torch.autograd.gradcheck(value, rows, atol=1e-5)


@pytest.mark.parametrize("settings", LOSSES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_number_close_to_the_full_one(
    settings: config.LossConfig, dtype: torch.dtype
) -> None:
    found = batch(batch=16, dtype=torch.float32, hard=True)
    loss = build_loss(settings, 5)
    torch.manual_seed(3)
    full = float(loss(found).detach())
    torch.manual_seed(3)
    half = float(loss(in_half(found, dtype)).detach())
    assert half == pytest.approx(full, rel=0.1)


def in_half(found: BatchEmbeddings, dtype: torch.dtype) -> BatchEmbeddings:
    return replace(found, audio=found.audio.to(dtype), text=found.text.to(dtype))


def test_weighted_infonce_equals_its_formula() -> None:
    found = batch()
    assert found.text_features is not None
    plain = build_loss(config.InfoNCEConfig(temperature=0.07), 5).double()
    assert isinstance(plain, InfoNCE)
    each = plain.cross_entropies(found).detach()
    alike = (found.text_features @ found.text_features.T).numpy()
    u = (alike.sum(1) - 1) / 5
    u = u / max(u.sum(), 1e-6)
    weights = np.exp((u - u.max()) / 0.01)
    wanted = float((weights * each.numpy()).sum() / weights.sum())
    loss = build_loss(config.WeightedInfoNCEConfig(), 5).double()
    assert float(loss(found).detach()) == pytest.approx(wanted, rel=1e-6)


def test_decoupled_leaves_the_positive_out_of_the_denominator() -> None:
    found = batch()
    s = (found.text @ found.audio.T).numpy() / 0.1
    others = ~np.eye(len(s), dtype=bool)
    rows = np.log((np.exp(s) * others).sum(1))
    columns = np.log((np.exp(s) * others).sum(0))
    wanted = (-np.diagonal(s) + (rows + columns) / 2).mean()
    loss = build_loss(config.DecoupledConfig(), 5).double()
    assert float(loss(found).detach()) == pytest.approx(wanted, rel=1e-6)


def test_decoupled_is_finite_at_large_scales() -> None:
    loss = build_loss(config.DecoupledConfig(temperature=0.01), 5)
    value = loss(in_half(batch(dtype=torch.float32), torch.float16))
    assert torch.isfinite(value)


def test_sigmoid_equals_its_formula() -> None:
    found = batch()
    s = 10 * (found.text @ found.audio.T).numpy() - 10
    sign = 2 * np.eye(len(s)) - 1
    wanted = np.log1p(np.exp(-sign * s)).sum() / len(s)
    loss = build_loss(config.SigmoidConfig(), 5).double()
    assert float(loss(found).detach()) == pytest.approx(wanted, rel=1e-6)


def test_a_hard_negative_is_a_negative_of_its_own_clip_only() -> None:
    with_wrong, without = batch(hard=True), batch()
    assert with_wrong.hard_negative is not None
    loss = build_loss(config.InfoNCEConfig(temperature=0.2), 5).double()
    s = (without.text @ without.audio.T).numpy() / 0.2
    wrong = (with_wrong.hard_negative * with_wrong.audio).sum(1).numpy() / 0.2
    beside = np.where(np.arange(6) > 0, np.exp(wrong), 0)
    own = np.diagonal(s)
    of_clips = -own + np.log(np.exp(s).sum(0) + beside)
    of_texts = -own + np.log(np.exp(s).sum(1))
    assert float(loss(with_wrong).detach()) == pytest.approx((of_clips + of_texts).mean() / 2)
    hinge = build_loss(config.TripletConfig(anchor="audio", negatives="hard"), 5)
    gap = np.maximum(0, 0.4 - own * 0.2 + wrong * 0.2)[1:]
    assert float(hinge(with_wrong).detach()) == pytest.approx(gap.mean())


def test_three_ways_are_the_mean_of_three_pairs() -> None:
    found = batch()
    assert found.image is not None
    loss = build_loss(config.ThreeWayConfig(temperature=0.2), 5).double()
    one = build_loss(config.InfoNCEConfig(temperature=0.2), 5).double()
    values = [
        one(found),
        one(replace(found, audio=found.image)),
        one(replace(found, text=found.image)),
    ]
    wanted = float(torch.stack(values).mean().detach())
    assert float(loss(found).detach()) == pytest.approx(wanted)


def test_nt_xent_looks_for_the_other_half_of_each_pair() -> None:
    found = batch()
    rows = torch.cat([found.audio, found.text]).numpy()
    scores = np.exp(rows @ rows.T / 0.5)
    np.fill_diagonal(scores, 0)
    other = np.roll(np.arange(12), 6)
    wanted = -np.log(scores[np.arange(12), other] / scores.sum(1)).mean()
    assert float(nt_xent(found.audio, found.text, 0.5)) == pytest.approx(wanted)


def test_slap_is_zero_for_perfect_predictions() -> None:
    found = batch()
    same = replace(found, text=found.audio, ema_audio=found.audio, ema_text=found.audio)
    loss = build_loss(config.SlapConfig(hidden=6), 5).double()
    loss.of_audio = loss.of_text = nn.Identity()
    assert float(loss(same)) == pytest.approx(0, abs=1e-9)
    assert float(loss(found)) > 0.1


@pytest.mark.parametrize("negatives", ["random", "hard"])
def test_the_sum_of_a_triplet_loss_grows_with_the_batch(
    negatives: Literal["random", "hard"],
) -> None:
    found = batch(hard=negatives == "hard")
    values = {}
    for reduction in get_args(config.TripletConfig.model_fields["reduction"].annotation):
        settings = config.TripletConfig(
            anchor="audio", negatives=negatives, margin=2.0, reduction=reduction
        )
        torch.manual_seed(0)
        values[reduction] = float(build_loss(settings, 5)(found))
    count = 5 if negatives == "hard" else 6  # one clip has no hard negative
    assert values["sum"] == pytest.approx(count * values["mean"])
