from pathlib import Path

import numpy as np
import pytest

from tunespace.evaluation import Item, evaluate, load_data
from tunespace.evaluation.audio_view import WHOLE_CLIP, AudioView, Clip
from tunespace.evaluation.embed_clips import embed_clips
from tunespace.evaluation.protocols import TagToMusic
from tunespace.models import Model


def test_a_part_of_a_part_is_decoded() -> None:
    item = Item("a", Path("a.mp3"), start=10.0, duration=5.0)
    assert WHOLE_CLIP.clip(item) == Clip("a.mp3", 10, 5)
    assert AudioView(seconds=2).clip(item) == Clip("a.mp3", 10, 2)
    assert AudioView(skip=1, seconds=20).clip(item) == Clip("a.mp3", 11, 4)
    assert AudioView(skip=1, pooling="windows").clip(Item("b")).pooling == "windows"
    assert AudioView(skip=6).clip(item).duration == 0


@pytest.mark.parametrize("wrong", [{"skip": -1}, {"seconds": 0}, {"pooling": "max"}])
def test_impossible_views_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be|unknown pooling"):
        AudioView(**wrong)  # type: ignore[arg-type]


def test_a_view_is_described_in_words() -> None:
    assert str(WHOLE_CLIP).startswith("the whole clip, in the model's own windows")
    assert str(AudioView(skip=5)).startswith("the rest after the first 5 s")
    assert "mean of unit vectors" in str(AudioView(seconds=10, pooling="windows"))


def test_audio_views_give_different_embeddings(model: Model, clips: Path, tmp_path: Path) -> None:
    path = str(clips / "0.wav")
    wanted = [Clip(path), Clip(path, pooling="windows"), Clip(path, 0, 0.5), Clip(path, 0, 0.0)]
    for _ in range(2):  # from the model, then from the cache
        rows, failed = embed_clips(model, wanted, cache=tmp_path / "c.sqlite", workers=1)
        embedding = model.embed_file(path)
        np.testing.assert_array_equal(rows[0], embedding.vector)
        mean = np.mean([window.vector for window in embedding.windows], axis=0)
        np.testing.assert_allclose(rows[1], mean / np.linalg.norm(mean), atol=1e-6)
        np.testing.assert_array_equal(rows[2], model.embed_file(path, duration=0.5).vector)
        assert failed == {3: "has no sound after what is skipped"}


def test_each_protocol_uses_its_own_audio_view(model: Model, clips: Path) -> None:
    manifest, _ = load_data(str(clips / "manifest.csv"))
    part = AudioView(seconds=0.5)
    protocols = [TagToMusic(), TagToMusic(name="start", audio_view=part)]
    report = evaluate(model, manifest, protocols, cache=clips / "c.sqlite")
    both, start = (result for _, result in report.protocols)
    alone = evaluate(model, manifest, protocols[1:], cache=clips / "c.sqlite")
    assert start.tables == alone.protocols[0][1].tables
    assert report.as_json()["protocols"][1]["protocol"]["listening"]["seconds"] == 0.5
    assert both.figures.keys() == start.figures.keys()
