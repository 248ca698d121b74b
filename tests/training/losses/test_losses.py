from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.training.losses import InfoNCE, Pairs, build_loss, nt_xent
from tunespace.training.losses.negative_sampling import draw
from tunespace.training.recipe import config

LOSSES: list[config.Loss] = [
    config.InfoNCE(),
    config.InfoNCE(mask_duplicates=False, learnable=False),
    config.WeightedInfoNCE(),
    config.Decoupled(),
    config.Sigmoid(),
    config.ThreeWay(),
    config.Slap(hidden=6),
    config.Triplet(anchor="both"),
    config.Triplet(anchor="audio", negatives="hard"),
    config.Triplet(anchor="audio", negatives="weighted"),
    config.Triplet(anchor="text", negatives="weighted-by-labels"),
]


def pairs(
    batch: int = 6,
    dim: int = 5,
    *,
    dtype: torch.dtype = torch.float64,
    same: bool = False,
    hard: bool = False,
) -> Pairs:
    torch.manual_seed(1)
    audio, text, wrong, image, meaning, slow_audio, slow_text = (
        functional.normalize(torch.randn(batch, dim, dtype=dtype)) for _ in range(7)
    )
    labels = torch.eye(batch, dtype=torch.bool)
    key = torch.zeros(batch, dtype=torch.int64) if same else torch.arange(batch)
    found = Pairs(audio, text, key, labels, labels, image=image, meaning=meaning)
    has_wrong = torch.arange(batch) > 0
    slow = replace(found, slow_audio=slow_audio, slow_text=slow_text)
    return replace(slow, wrong=wrong, has_wrong=has_wrong) if hard else slow


def with_rows(found: Pairs, audio: Tensor, text: Tensor) -> Pairs:
    audio, text = (functional.normalize(x, dim=1) for x in (audio, text))
    return replace(found, audio=audio, text=text)


def test_infonce_is_the_mean_of_both_cross_entropies() -> None:
    found = pairs()
    scores = np.exp((found.audio @ found.text.T).numpy() / 0.2)
    own = np.diagonal(scores)
    wanted = -0.5 * (np.log(own / scores.sum(1)) + np.log(own / scores.sum(0))).mean()
    loss = build_loss(config.InfoNCE(temperature=0.2), 5).double()
    assert float(loss(found).detach()) == pytest.approx(wanted, abs=1e-6)


def test_the_temperature_of_infonce_is_learned_and_bounded() -> None:
    loss = build_loss(config.InfoNCE(temperature=0.2, max_scale=100.0), 5)
    assert isinstance(loss.logit_scale, nn.Parameter)
    loss(pairs()).backward()
    assert loss.logit_scale.grad is not None
    with torch.no_grad():
        loss.logit_scale.fill_(50.0)
    assert torch.isfinite(loss(pairs()))
    fixed = build_loss(config.InfoNCE(learnable=False), 5)
    assert not any(p.requires_grad for p in fixed.parameters())


def test_the_same_text_of_another_clip_is_no_negative() -> None:
    alike = pairs(same=True)
    assert float(build_loss(config.InfoNCE(), 5)(alike).detach()) == pytest.approx(0, abs=1e-6)
    assert float(build_loss(config.InfoNCE(mask_duplicates=False), 5)(alike).detach()) > 0.1
    assert float(build_loss(config.Triplet(), 5)(alike).detach()) == 0


def test_triplet_is_the_hinge_on_the_only_negative_there_is() -> None:
    found = pairs(batch=2)
    s = (found.text @ found.audio.T).numpy()
    by_text = np.maximum(0, 0.4 - np.diagonal(s) + s[[0, 1], [1, 0]])
    by_audio = np.maximum(0, 0.4 - np.diagonal(s) + s[[1, 0], [0, 1]])
    values = {
        anchor: float(build_loss(config.Triplet(anchor=anchor), 5)(found).detach())
        for anchor in ("text", "audio", "both")
    }
    assert values["text"] == pytest.approx(by_text.mean(), abs=1e-6)
    assert values["audio"] == pytest.approx(by_audio.mean(), abs=1e-6)
    assert values["both"] == pytest.approx((by_text.mean() + by_audio.mean()) / 2, abs=1e-6)


def test_a_clip_that_carries_the_tag_is_never_a_negative_of_it() -> None:
    labels = torch.tensor([[1, 0], [1, 1], [0, 1]], dtype=torch.bool)
    said = torch.tensor([[1, 0], [0, 1], [0, 1]], dtype=torch.bool)
    rows = functional.normalize(torch.randn(3, 4), dim=1)
    found = Pairs(rows, rows, torch.tensor([0, 1, 1]), labels, said)
    wanted = torch.tensor([[1, 1, 0], [0, 1, 1], [0, 1, 1]], dtype=torch.bool)
    assert torch.equal(found.true_of(), wanted)


def test_weighted_negatives_come_in_proportion_to_their_closeness() -> None:
    torch.manual_seed(0)
    cosines = torch.tensor([[0.9, 0.5, -0.5, -1.0]]).repeat(20_000, 1)
    true_of = torch.tensor([[True, False, False, False]]).repeat(20_000, 1)
    differing = torch.tensor([[0.0, 3.0, 1.0, 1.0]]).repeat(20_000, 1)
    share: Callable[[Tensor], list[float]] = lambda rows: [  # noqa: E731
        float((rows == n).float().mean()) for n in range(4)
    ]
    random, found = draw(cosines, true_of, differing, "random")
    assert found.all()
    assert share(random) == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3], abs=0.02)
    weighted, _ = draw(cosines, true_of, differing, "weighted")
    assert share(weighted) == pytest.approx([0, 0.75, 0.25, 0], abs=0.02)
    labelled, _ = draw(cosines, true_of, differing, "weighted-by-labels")
    assert share(labelled) == pytest.approx([0, 0.5, 0.5, 0], abs=0.02)


def test_an_anchor_without_a_negative_does_not_count() -> None:
    _, found = draw(
        torch.zeros(2, 2),
        torch.tensor([[True, True], [True, False]]),
        torch.zeros(2, 2),
        "random",
    )
    assert found.tolist() == [False, True]


@pytest.mark.parametrize("settings", LOSSES, ids=str)
def test_gradients_are_those_of_the_numbers(settings: config.Loss) -> None:
    found, loss = pairs(hard=True), build_loss(settings, 5).double()

    def value(audio: Tensor, text: Tensor) -> Tensor:
        torch.manual_seed(3)
        number: Tensor = loss(with_rows(found, audio, text))
        return number

    rows = tuple(x.clone().requires_grad_() for x in (found.audio, found.text))
    assert torch.autograd.gradcheck(value, rows, atol=1e-5)


@pytest.mark.parametrize("settings", LOSSES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_number_close_to_the_full_one(
    settings: config.Loss, dtype: torch.dtype
) -> None:
    found = pairs(batch=16, dtype=torch.float32, hard=True)
    loss = build_loss(settings, 5)
    torch.manual_seed(3)
    full = float(loss(found).detach())
    torch.manual_seed(3)
    half = float(loss(in_half(found, dtype)).detach())
    assert half == pytest.approx(full, rel=0.1)


def in_half(found: Pairs, dtype: torch.dtype) -> Pairs:
    return replace(found, audio=found.audio.to(dtype), text=found.text.to(dtype))


def test_weighted_infonce_counts_what_the_others_say_too() -> None:
    found = pairs()
    assert found.meaning is not None
    plain = build_loss(config.InfoNCE(temperature=0.07), 5).double()
    assert isinstance(plain, InfoNCE)
    each = plain.entropies(found).detach()
    alike = (found.meaning @ found.meaning.T).numpy()
    u = (alike.sum(1) - 1) / 5
    u = u / max(u.sum(), 1e-6)
    weights = np.exp((u - u.max()) / 0.01)
    wanted = float((weights * each.numpy()).sum() / weights.sum())
    loss = build_loss(config.WeightedInfoNCE(), 5).double()
    assert float(loss(found).detach()) == pytest.approx(wanted, rel=1e-6)


def test_decoupled_leaves_the_positive_out_of_the_denominator() -> None:
    found = pairs()
    s = (found.text @ found.audio.T).numpy() / 0.1
    others = ~np.eye(len(s), dtype=bool)
    rows = np.log((np.exp(s) * others).sum(1))
    columns = np.log((np.exp(s) * others).sum(0))
    wanted = (-np.diagonal(s) + (rows + columns) / 2).mean()
    loss = build_loss(config.Decoupled(), 5).double()
    assert float(loss(found).detach()) == pytest.approx(wanted, rel=1e-6)


def test_decoupled_holds_scales_that_overflow_elsewhere() -> None:
    loss = build_loss(config.Decoupled(temperature=0.01), 5)
    value = loss(in_half(pairs(dtype=torch.float32), torch.float16))
    assert torch.isfinite(value)


def test_sigmoid_judges_each_pair_on_its_own() -> None:
    found = pairs()
    s = 10 * (found.text @ found.audio.T).numpy() - 10
    sign = 2 * np.eye(len(s)) - 1
    wanted = np.log1p(np.exp(-sign * s)).sum() / len(s)
    loss = build_loss(config.Sigmoid(), 5).double()
    assert float(loss(found).detach()) == pytest.approx(wanted, rel=1e-6)


def test_what_is_wrongly_said_stands_among_the_negatives_of_its_clip_alone() -> None:
    with_wrong, without = pairs(hard=True), pairs()
    assert with_wrong.wrong is not None
    loss = build_loss(config.InfoNCE(temperature=0.2), 5).double()
    s = (without.text @ without.audio.T).numpy() / 0.2
    wrong = (with_wrong.wrong * with_wrong.audio).sum(1).numpy() / 0.2
    beside = np.where(np.arange(6) > 0, np.exp(wrong), 0)
    own = np.diagonal(s)
    of_clips = -own + np.log(np.exp(s).sum(0) + beside)
    of_texts = -own + np.log(np.exp(s).sum(1))
    assert float(loss(with_wrong).detach()) == pytest.approx((of_clips + of_texts).mean() / 2)
    hinge = build_loss(config.Triplet(anchor="audio", negatives="hard"), 5)
    gap = np.maximum(0, 0.4 - own * 0.2 + wrong * 0.2)[1:]
    assert float(hinge(with_wrong).detach()) == pytest.approx(gap.mean())


def test_three_ways_are_the_mean_of_three_pairs() -> None:
    found = pairs()
    assert found.image is not None
    loss = build_loss(config.ThreeWay(temperature=0.2), 5).double()
    one = build_loss(config.InfoNCE(temperature=0.2), 5).double()
    values = [
        one(found),
        one(replace(found, audio=found.image)),
        one(replace(found, text=found.image)),
    ]
    wanted = float(torch.stack(values).mean().detach())
    assert float(loss(found).detach()) == pytest.approx(wanted)


def test_nt_xent_looks_for_the_other_half_of_each_pair() -> None:
    found = pairs()
    rows = torch.cat([found.audio, found.text]).numpy()
    scores = np.exp(rows @ rows.T / 0.5)
    np.fill_diagonal(scores, 0)
    other = np.roll(np.arange(12), 6)
    wanted = -np.log(scores[np.arange(12), other] / scores.sum(1)).mean()
    assert float(nt_xent(found.audio, found.text, 0.5)) == pytest.approx(wanted)


def test_slap_is_nothing_when_all_predictions_are_right() -> None:
    found = pairs()
    same = replace(found, text=found.audio, slow_audio=found.audio, slow_text=found.audio)
    loss = build_loss(config.Slap(hidden=6), 5).double()
    loss.of_audio = loss.of_text = nn.Identity()
    assert float(loss(same)) == pytest.approx(0, abs=1e-9)
    assert float(loss(found)) > 0.1
