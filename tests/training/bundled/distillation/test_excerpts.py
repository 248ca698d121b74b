import numpy as np

from tunespace.training.bundled.distillation.excerpts import Excerpts, draw_excerpts
from tunespace.training.bundled.distillation.segments import Spectrograms
from tunespace.training.bundled.distillation.teachers import FCN_FRONT_END

HEARD = np.array([True, True, False, True, True])
HELD_OUT = np.array([False, False, False, True, False])


def drawn(mixed: float = 1.0, seed: int = 0) -> Excerpts:
    return draw_excerpts(HEARD, HELD_OUT, 200, window=60, each=2, mixed=mixed, seed=seed)


def spectrograms() -> Spectrograms:
    values = np.random.default_rng(0).integers(100, 200, (5, 200, 4), dtype=np.uint8)
    return Spectrograms(values, HEARD, FCN_FRONT_END)


def test_windows_are_inside_their_segments() -> None:
    excerpts = drawn(mixed=0)
    assert excerpts.rows.tolist() == [0, 0, 1, 1, 3, 3, 4, 4]
    assert ((excerpts.firsts >= 0) & (excerpts.firsts <= 140)).all()
    assert (excerpts.firsts[1::2] >= excerpts.firsts[::2]).all()


def test_held_out_clips_are_not_mixed_into_training_clips() -> None:
    excerpts = drawn()
    mixtures = excerpts.other_rows >= 0
    assert mixtures.sum() == 6
    assert not HELD_OUT[excerpts.rows[mixtures]].any()
    assert not HELD_OUT[excerpts.other_rows[mixtures]].any()
    assert not excerpts.held_out[mixtures].any()
    assert excerpts.held_out.sum() == 2


def test_a_mixture_is_the_sum_of_powers() -> None:
    excerpts, music = drawn(), spectrograms()
    at = int(np.flatnonzero(excerpts.other_rows >= 0)[0])
    window = slice(int(excerpts.firsts[at]), int(excerpts.firsts[at]) + 60)
    other = slice(int(excerpts.other_firsts[at]), int(excerpts.other_firsts[at]) + 60)
    one = music.decibels(int(excerpts.rows[at]), window)
    two = music.decibels(int(excerpts.other_rows[at]), other) + excerpts.other_gains[at]
    expected = 10 * np.log10(10 ** (one / 10) + 10 ** (two / 10))
    np.testing.assert_allclose(excerpts.decibels(music, at, 60), expected, atol=1e-3)


def test_the_same_seed_draws_the_same() -> None:
    np.testing.assert_array_equal(drawn().firsts, drawn().firsts)
    assert (drawn().firsts != drawn(seed=1).firsts).any()
