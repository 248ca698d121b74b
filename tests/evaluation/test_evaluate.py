import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tunespace.errors import DataError
from tunespace.evaluation import Manifest, evaluate, load_data, load_manifest
from tunespace.evaluation.protocols import (
    MusicToText,
    NegationPairs,
    Protocol,
    ProtocolResult,
    SameArtist,
    SentenceToMusic,
    TagsToMusic,
    TagToMusic,
    ZeroShot,
)
from tunespace.models import Model


@pytest.fixture
def manifest(clips: Path) -> Manifest:
    return load_manifest(clips / "manifest.csv")


def run(model: Model, manifest: Manifest, protocol: Protocol, folder: Path) -> ProtocolResult:
    report = evaluate(model, manifest, [protocol], cache=folder / "c.sqlite", workers=1)
    return report.protocols[0][1]


def test_a_good_model_is_above_chance_level(
    model: Model, manifest: Manifest, tmp_path: Path
) -> None:
    tags = run(model, manifest, TagToMusic(), tmp_path)
    rows = {row["tag"]: row for row in tags.tables["tags"]}
    assert rows["low"]["roc_auc"] == rows["high"]["roc_auc"] == 1
    assert rows["low"]["clips"] == 2
    scores = (
        model.embed_audio([i.audio for i in manifest.items if i.audio])
        @ model.embed_text(["solo"]).T
    )
    assert rows["solo"]["roc_auc"] == roc_auc_score([1, 0, 1, 0], scores[:, 0])
    genre = run(model, manifest, ZeroShot(prompts=("{}", "a {} solo")), tmp_path)
    assert genre.figures["accuracy"].value == 1
    assert genre.chance["accuracy"] == 0.5
    assert [row["prompt"] for row in genre.tables["prompts"]] == ["{}", "a {} solo"]


def test_relevance_of_sentences_tags_and_artists(
    model: Model, manifest: Manifest, tmp_path: Path
) -> None:
    sentences = run(model, manifest, SentenceToMusic(), tmp_path)
    assert (sentences.notes["queries"], sentences.notes["pool"]) == (4, 4)
    back = run(model, manifest, MusicToText(), tmp_path)
    assert (back.notes["queries"], back.notes["pool"]) == (4, 4)
    pairs = run(model, manifest, TagsToMusic(), tmp_path)
    assert pairs.notes["queries"] == 2
    assert pairs.notes["relevant_per_query"] == 1
    artist = run(model, manifest, SameArtist(), tmp_path)
    assert (artist.notes["queries"], artist.notes["pool"]) == (4, 3)
    # Each artist has one low and one high tone, so a model of pitch has the other one last.
    assert artist.figures["recall@1"].value == 0


def test_the_same_input_gives_the_same_report(
    model: Model, clips: Path, manifest: Manifest, tmp_path: Path
) -> None:
    _, protocols = load_data(str(clips / "manifest.csv"))
    first, second = (
        evaluate(model, manifest, protocols, cache=tmp_path / f"{n}.sqlite", workers=n)
        for n in (1, 2)
    )
    assert json.dumps(first.as_json()) == json.dumps(second.as_json())
    content = first.as_json()
    assert content["schema"] == 1
    assert content["model"]["identity"] == model.identity
    assert set(content["model"]["files"]) == {"audio.onnx", "text.onnx", "tokenizer.json"}
    assert content["data"]["clips"] == 4
    assert content["probes"]["same file, same vector"] == {"largest difference": 0}
    assert content["probes"]["spread of texts"]["pairs"] > 0
    assert content["protocols"][0]["protocol"] == {
        "kind": "tag -> music",
        "name": "tag-to-music",
        "listening": {"skip": 0.0, "seconds": None, "pooling": "track"},
        "tags": (),
        "category": "",
        "prompt": "{}",
        "ties": "pessimistic",
    }
    assert content["protocols"][0]["figures"]["roc_auc"]["chance"] == 0.5


def test_protocols_without_data_are_listed_as_skipped(model: Model, clips: Path) -> None:
    (clips / "n.csv").write_text("audio,genre\n0.wav,low\n3.wav,high\n")
    manifest, protocols = load_data(str(clips / "n.csv"))
    report = evaluate(model, manifest, protocols, cache=clips / "c.sqlite")
    assert [protocol.name for protocol, _ in report.protocols] == ["zero-shot"]
    assert report.skipped["tag-to-music"] == "no clip has tags"
    with pytest.raises(DataError, match="no clip has captions"):
        evaluate(model, manifest, [SentenceToMusic()], cache=clips / "c.sqlite")


def test_unreadable_clips_are_left_out_and_listed(model: Model, clips: Path) -> None:
    (clips / "broken.mp3").write_bytes(b"nothing")
    (clips / "n.csv").write_text("audio,genre\n0.wav,low\n3.wav,high\nbroken.mp3,low\n")
    manifest, protocols = load_data(str(clips / "n.csv"))
    report = evaluate(model, manifest, protocols, cache=clips / "c.sqlite")
    assert list(report.failed) == ["broken.mp3"]
    assert report.protocols[0][1].notes["tracks"] == 2
    (clips / "n.csv").write_text("audio,genre\nbroken.mp3,low\nbroken.mp3,high\n")
    with pytest.raises(DataError, match="is also line 2"):
        load_manifest(clips / "n.csv")
    (clips / "n.csv").write_text("audio,tags\nbroken.mp3,low\n")
    with pytest.raises(DataError, match="no clip can be read"):
        evaluate(model, load_manifest(clips / "n.csv"), protocols, cache=clips / "c.sqlite")


def test_missing_files_stop_before_any_work(model: Model, clips: Path) -> None:
    (clips / "n.csv").write_text("audio,genre\n0.wav,low\ngone.mp3,high\nlost.mp3,high\n")
    manifest, protocols = load_data(str(clips / "n.csv"))
    with pytest.raises(DataError) as raised:
        evaluate(model, manifest, protocols, cache=clips / "c.sqlite")
    assert len(raised.value.problems) == 2
    assert not (clips / "c.sqlite").exists()


def test_a_text_without_known_words_is_ranked_last(model: Model, clips: Path) -> None:
    (clips / "n.csv").write_text("audio,captions\n0.wav,a low tone\n3.wav,\N{MUSICAL NOTE}\n")
    manifest, _ = load_data(str(clips / "n.csv"))
    report = evaluate(model, manifest, [SentenceToMusic()], cache=clips / "c.sqlite")
    found = report.protocols[0][1].figures
    if report.unknown_texts:
        assert found["mean_rank"].value == 1.5
    assert np.isfinite(found["mrr"].value)


def test_all_problems_of_the_data_are_reported_at_once(model: Model, clips: Path) -> None:
    manifest = load_manifest(clips / "manifest.csv")
    (clips / "0.wav").unlink()
    asked = [TagToMusic(tags=("low", "harp")), NegationPairs(tags=("harp", "lute"))]
    with pytest.raises(DataError) as raised:
        evaluate(model, manifest, asked, cache=clips / "c.sqlite")
    content = raised.value.problems
    assert [problem.rpartition(" ")[2] for problem in content] == ["exist", "'harp'", "'lute'"]
