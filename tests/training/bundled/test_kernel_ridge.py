import numpy as np

from tunespace.models.onnx_towers import normalize_rows
from tunespace.training.bundled.kernel_ridge import KernelRidge, mean_words

RANDOM = np.random.default_rng(0)
SENTENCES = normalize_rows(RANDOM.normal(size=(200, 12)).astype(np.float32))
WORDS = normalize_rows(RANDOM.normal(size=(200, 6)).astype(np.float32))
MAP = RANDOM.normal(size=(12, 4)).astype(np.float32)
POINTS = normalize_rows(np.tanh(SENTENCES @ MAP))


def test_unseen_texts_are_predicted_from_similar_ones() -> None:
    kernel_ridge = KernelRidge(SENTENCES[:160], WORDS[:160], POINTS[:160])
    predicted = normalize_rows(kernel_ridge(SENTENCES[160:], WORDS[160:]))
    agreement = float((predicted * POINTS[160:]).sum(axis=1).mean())
    plain = normalize_rows(POINTS[:160].mean(axis=0, keepdims=True))
    assert agreement > 0.7
    assert agreement > float((plain * POINTS[160:]).sum(axis=1).mean()) + 0.3


def test_a_text_without_similar_texts_gets_the_mean() -> None:
    kernel_ridge = KernelRidge(SENTENCES, WORDS, POINTS)
    near = np.linalg.norm(kernel_ridge(SENTENCES[:5], WORDS[:5]) - POINTS.mean(axis=0), axis=1)
    nothing = kernel_ridge(np.zeros((1, 12), np.float32), np.zeros((1, 6), np.float32))
    assert np.linalg.norm(nothing - POINTS.mean(axis=0)) < near.min()


def test_known_words_are_averaged() -> None:
    vectors = {"warm": np.array([1, 0], np.float32), "jazz": np.array([0, 1], np.float32)}
    found = mean_words(["Warm jazz!", "jazz qqq", "qqq"], vectors, 2)
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5], [0, 1], [0, 0]], atol=1e-6)
