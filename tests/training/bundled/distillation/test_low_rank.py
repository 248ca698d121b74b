from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tiny_taggers import fcn_weights
from tunespace.training.bundled.distillation.low_rank import Sizes, compress
from tunespace.training.bundled.distillation.teachers import Fcn, load_fcn

LOG_MEL = torch.rand(24, 320, 96, generator=torch.Generator().manual_seed(3)) * 60 - 40


@pytest.fixture
def fcn(tmp_path: Path) -> Fcn:
    save_file(fcn_weights(0), tmp_path / "one-fcn.safetensors")
    return load_fcn(tmp_path / "one-fcn.safetensors")


def difference(one: Fcn, other: Fcn) -> float:
    with torch.no_grad():
        return float((one(LOG_MEL) - other(LOG_MEL)).abs().max())


def filters_of(fcn: Fcn) -> int:
    return len(next(fcn.convolutions[0].parameters()))


def test_full_rank_with_all_filters_changes_nothing(fcn: Fcn) -> None:
    whole = compress(fcn, LOG_MEL, Sizes(8, {1: 8, 2: 8}), 0)
    assert difference(whole, fcn) < 1e-3


def test_truncated_vectors_are_closer_with_more_dimensions(fcn: Fcn) -> None:
    errors = [
        difference(compress(fcn, LOG_MEL, Sizes(filters, {1: rank, 2: rank}), 0), fcn)
        for filters, rank in ((2, 2), (5, 5), (7, 7))
    ]
    assert errors[0] > errors[1] > errors[2]


def test_a_repeated_filter_can_be_removed_without_loss(fcn: Fcn) -> None:
    with torch.no_grad():
        for values in fcn.convolutions[0].parameters():
            values[1] = values[0]
    small = compress(fcn, LOG_MEL, Sizes(7, {1: 8}), 0)
    assert filters_of(small) == 7
    assert difference(small, fcn) < 2e-2
    assert filters_of(fcn) == 8, "the teacher is left as it is"


def test_a_convolution_whose_responses_lie_in_a_plane_is_split_without_loss(fcn: Fcn) -> None:
    with torch.no_grad():
        weight = next(fcn.convolutions[1].parameters())
        weight.copy_((torch.randn(8, 2) @ weight[:2].flatten(1)).reshape(8, 8, 3, 3))
    small = compress(fcn, LOG_MEL, Sizes(8, {1: 2}), 0)
    assert sum(p.numel() for p in small.parameters()) < sum(p.numel() for p in fcn.parameters())
    assert difference(small, fcn) < 1e-2
