import json
from pathlib import Path

import numpy as np
import pytest

from tunespace.training.bundled.concept_space import ConceptSpace, fit_concept_space

TAGS = {"msd": ["rock", "jazz"], "jamendo": ["genre---rock", "calm"], "mtat": ["loud", "quiet"]}
CONCEPTS = {
    "rock": {"tags": {"msd": ["rock"], "jamendo": ["genre---rock"]}},
    "quiet": {"tags": {"mtat": ["quiet"]}},
    "unheard": {"signal": {"rms": 1}},
    "ballad": {"of": {"rock": 1, "quiet": 2, "unheard": 1}},
}
RANDOM = np.random.default_rng(1)
LOGITS = {
    name: RANDOM.normal(3, 2, (500, 2)).astype(np.float32)
    for name in ("msd-fcn", "pons-msd-musicnn", "jamendo-fcn", "pons-mtt-musicnn")
}


def fit(folder: Path, concepts: object = CONCEPTS) -> ConceptSpace:
    (folder / "tags.json").write_text(json.dumps(TAGS))
    (folder / "concepts.json").write_text(json.dumps(concepts))
    return fit_concept_space(LOGITS, folder / "tags.json", folder / "concepts.json")


def test_concepts_have_mean_0_and_deviation_1(tmp_path: Path) -> None:
    space = fit(tmp_path)
    values = space.concepts(space.standardised(np.concatenate(list(LOGITS.values()), axis=1)))
    assert space.names == tuple(CONCEPTS)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=0), [1, 1, 0, 1], rtol=1e-4)


def test_a_concept_is_the_mean_of_all_columns_with_its_tags(tmp_path: Path) -> None:
    space = fit(tmp_path)
    z = space.standardised(np.concatenate(list(LOGITS.values()), axis=1))
    expected = (z[:, 0] + z[:, 2] + z[:, 4]) / 3
    np.testing.assert_allclose(space.concepts(z)[:, 0], expected / expected.std(), rtol=1e-3)


def test_a_concept_can_combine_others(tmp_path: Path) -> None:
    space = fit(tmp_path)
    z = space.standardised(np.concatenate(list(LOGITS.values()), axis=1))
    rock, quiet, _, ballad = space.concepts(z).T
    mix = rock + 2 * quiet
    np.testing.assert_allclose(ballad, mix / mix.std(), atol=1e-3)


def test_an_unknown_tag_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="polka"):
        fit(tmp_path, {"polka": {"tags": {"msd": ["polka"]}}})


def test_an_unknown_tagger_is_refused(tmp_path: Path) -> None:
    fit(tmp_path)
    with pytest.raises(ValueError, match="other-net"):
        fit_concept_space(
            {"other-net": LOGITS["msd-fcn"]}, tmp_path / "tags.json", tmp_path / "concepts.json"
        )
