from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.training import parts
from tunespace.training.losses import Pairs, build_loss
from tunespace.training.losses.negatives import draw

LOSSES: list[parts.Loss] = [
    parts.InfoNCE(),
    parts.Triplet(anchor="both"),
    parts.Triplet(anchor="audio", negatives="weighted"),
    parts.Triplet(anchor="text", negatives="weighted-by-labels"),
]


def pairs(
    batch: int = 6, dim: int = 5, *, dtype: torch.dtype = torch.float64, same: bool = False
) -> Pairs:
    torch.manual_seed(1)
    audio, text = (functional.normalize(torch.randn(batch, dim, dtype=dtype)) for _ in range(2))
    labels = torch.eye(batch, dtype=torch.bool)
    key = torch.zeros(batch, dtype=torch.int64) if same else torch.arange(batch)
    return Pairs(audio, text, key, labels, labels)


def with_rows(found: Pairs, audio: Tensor, text: Tensor) -> Pairs:
    audio, text = (functional.normalize(x, dim=1) for x in (audio, text))
    return replace(found, audio=audio, text=text)


def test_infonce_is_the_mean_of_both_cross_entropies() -> None:
    found = pairs()
    scores = np.exp((found.audio @ found.text.T).numpy() / 0.2)
    own = np.diagonal(scores)
    wanted = -0.5 * (np.log(own / scores.sum(1)) + np.log(own / scores.sum(0))).mean()
    loss = build_loss(parts.InfoNCE(temperature=0.2)).double()
    assert float(loss(found).detach()) == pytest.approx(wanted, abs=1e-6)


def test_the_temperature_of_infonce_is_learned_and_bounded() -> None:
    loss = build_loss(parts.InfoNCE(temperature=0.2, max_scale=100.0))
    assert isinstance(loss.logit_scale, nn.Parameter)
    loss(pairs()).backward()
    assert loss.logit_scale.grad is not None
    with torch.no_grad():
        loss.logit_scale.fill_(50.0)
    assert torch.isfinite(loss(pairs()))
    fixed = build_loss(parts.InfoNCE(learnable=False))
    assert not any(p.requires_grad for p in fixed.parameters())


def test_the_same_text_of_another_clip_is_no_negative() -> None:
    alike = pairs(same=True)
    assert float(build_loss(parts.InfoNCE())(alike).detach()) == pytest.approx(0, abs=1e-6)
    assert float(build_loss(parts.InfoNCE(mask_duplicates=False))(alike).detach()) > 0.1
    assert float(build_loss(parts.Triplet())(alike).detach()) == 0


def test_triplet_is_the_hinge_on_the_only_negative_there_is() -> None:
    found = pairs(batch=2)
    s = (found.text @ found.audio.T).numpy()
    by_text = np.maximum(0, 0.4 - np.diagonal(s) + s[[0, 1], [1, 0]])
    by_audio = np.maximum(0, 0.4 - np.diagonal(s) + s[[1, 0], [0, 1]])
    values = {
        anchor: float(build_loss(parts.Triplet(anchor=anchor))(found).detach())
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
def test_gradients_are_those_of_the_numbers(settings: parts.Loss) -> None:
    found, loss = pairs(), build_loss(settings).double()

    def value(audio: Tensor, text: Tensor) -> Tensor:
        torch.manual_seed(3)
        number: Tensor = loss(with_rows(found, audio, text))
        return number

    rows = tuple(x.clone().requires_grad_() for x in (found.audio, found.text))
    assert torch.autograd.gradcheck(value, rows, atol=1e-5)


@pytest.mark.parametrize("settings", LOSSES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_number_close_to_the_full_one(
    settings: parts.Loss, dtype: torch.dtype
) -> None:
    found, loss = pairs(batch=16, dim=8, dtype=torch.float32), build_loss(settings)
    torch.manual_seed(3)
    full = float(loss(found).detach())
    torch.manual_seed(3)
    half = float(
        loss(replace(found, audio=found.audio.to(dtype), text=found.text.to(dtype))).detach()
    )
    assert half == pytest.approx(full, rel=0.1)
