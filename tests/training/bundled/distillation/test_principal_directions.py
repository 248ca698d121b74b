import numpy as np

from tunespace.training.bundled.distillation.principal_directions import principal_directions

RANDOM = np.random.default_rng(0)
HIDDEN = RANDOM.normal(size=(2000, 3)) * [9.0, 4.0, 1.0]
OUTPUTS = (HIDDEN @ np.linalg.qr(RANDOM.normal(size=(8, 3)))[0].T + 5).astype(np.float32)


def test_directions_are_centred_independent_and_nearer_in_spread() -> None:
    weights, intercept = principal_directions(OUTPUTS, 3)
    found = OUTPUTS @ weights + intercept
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(found.std(axis=0), [3, 2, 1], rtol=0.06)
    correlation = np.corrcoef(found.T) - np.eye(3)
    assert np.abs(correlation).max() < 1e-2


def test_fewer_results_than_requested_are_possible() -> None:
    weights, _ = principal_directions(OUTPUTS, 6)
    assert weights.shape == (8, 3)
