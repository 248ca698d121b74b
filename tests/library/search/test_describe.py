from pathlib import Path

import numpy as np
import pytest

from sounds import write_noise
from tunespace.errors import ModelError
from tunespace.library import Library, describe
from tunespace.library.search.describe import KINDS
from tunespace.models import Model, load_model


@pytest.fixture(scope="module")
def bundled() -> Model:
    return load_model()


def words(bundled: Model, text: str) -> dict[str, list[str]]:
    nothing = np.empty((0, bundled.dim), np.float32)
    found = describe(bundled, bundled.embed_text([text])[0], nothing, top=5)
    return {kind: [word.word for word in some] for kind, some in found.items()}


def test_a_track_like_a_word_is_described_by_it(bundled: Model) -> None:
    assert "heavy metal" in words(bundled, "heavy metal")["genre"]
    assert "harp" in words(bundled, "harp")["instrument"]


def test_each_kind_of_word_discriminates(bundled: Model) -> None:
    found = words(bundled, "calm piano music with female vocals")
    assert found.keys() == KINDS.keys()
    assert all(1 <= len(some) <= 5 for some in found.values())
    assert all(len(set(some)) == len(some) for some in found.values())


def test_reasons_are_concepts_in_order_of_score(bundled: Model) -> None:
    nothing = np.empty((0, bundled.dim), np.float32)
    found = describe(bundled, bundled.embed_text(["heavy metal"])[0], nothing, top=3)
    assert "metal" in found["genre"][0].because
    for some in found.values():
        scores = [word.score for word in some]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 100 for score in scores)


def test_describing_without_a_lexicon_is_an_error(library: Library, tmp_path: Path) -> None:
    path = write_noise(tmp_path / "a.wav", 1, 1)
    library.index([path])
    with pytest.raises(ModelError, match="no lexicon"):
        library.describe(path)
