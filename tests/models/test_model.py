import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import sounds
import tiny_model
from tunespace import load_model
from tunespace.errors import ModelError, QueryError
from tunespace.models import Model
from tunespace.models.model import Vectors


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.make(tmp_path_factory.mktemp("models") / "tiny")


def tone(path: Path, seconds: float) -> Path:
    samples = sounds.tone(seconds, 48_000)
    return sounds.write(
        path, samples[None], 48_000, "mp3" if path.suffix == ".mp3" else "pcm_f32le"
    )


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(folder)


def test_texts_become_unit_rows(model: Model) -> None:
    rows = model.embed_text(["low", "high", "low low"])
    assert rows.shape == (3, 2)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[1, 0], [0, 1], [1, 0]], atol=1e-6)


def test_repeated_texts_are_cached(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    tower = model.text_tower

    def count(sentence: str) -> Vectors | None:
        read.append(sentence)
        return tower(sentence)

    monkeypatch.setitem(model.__dict__, "text_tower", count)
    first = model.embed_text(["low high low"])
    kept = first.copy()
    first[:] = 0  # what is given away is the caller's own
    np.testing.assert_array_equal(model.embed_text(["low high low"]), kept)
    assert len(read) == 1


def test_no_texts_give_no_rows(model: Model) -> None:
    assert model.embed_text([]).shape == (0, 2)


def test_a_single_string_is_a_mistake(model: Model) -> None:
    with pytest.raises(TypeError, match="list"):
        model.embed_text("low")


@pytest.mark.parametrize("query", ["", "  \n "])
def test_an_empty_query_is_refused(query: str, model: Model) -> None:
    with pytest.raises(QueryError, match="empty"):
        model.embed_text([query])


def test_a_query_of_unknown_words_is_refused(model: Model) -> None:
    with pytest.raises(QueryError, match="no word of 'zzz' is known"):
        model.embed_text(["zzz"])


def test_a_track_and_its_windows(model: Model, tmp_path: Path) -> None:
    path = tone(tmp_path / "tone.wav", 2.5)
    embedding = model.embed_file(path)
    assert [(w.start, w.end) for w in embedding.windows] == [(0, 1), (1, 2), (1.52, 2.52)]
    assert embedding.seconds == pytest.approx(2.5, abs=0.03)
    np.testing.assert_allclose(np.linalg.norm(embedding.vector), 1, rtol=1e-6)
    np.testing.assert_array_equal(model.embed_audio([path])[0], embedding.vector)
    assert len(model.embed_audio_windows(path)) == 3


def test_batches_of_windows_equal_single_windows(model: Model, tmp_path: Path) -> None:
    steady = 0.5 * np.random.default_rng(0).standard_normal(20 * 16_000).astype(np.float32)
    path = sounds.wav(tmp_path / "long.wav", steady)
    vectors = np.stack([window.vector for window in model.embed_file(path).windows])
    assert len(vectors) == 21  # the frame at the very end asks for one more window
    np.testing.assert_allclose(vectors, np.broadcast_to(vectors[5], vectors.shape), atol=1e-2)


def test_the_same_file_gives_the_same_vector(model: Model, tmp_path: Path) -> None:
    path = tone(tmp_path / "tone.mp3", 3.3)
    np.testing.assert_array_equal(model.embed_audio([path]), model.embed_audio([path]))


def test_identity_follows_the_weights_and_not_the_card(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "README.md").write_text("a card")
    assert load_model(copy).identity == load_model(folder).identity
    tiny_model.make(copy, collapsed=True)
    assert load_model(copy).identity != load_model(folder).identity


def test_an_unknown_model_name_is_refused() -> None:
    with pytest.raises(ModelError, match="there is no model 'nothing'"):
        load_model("nothing")


def test_a_folder_without_a_configuration_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a model"):
        load_model(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "\x00", "[1, 2]", '"text"'])
def test_an_invalid_configuration_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json"):
        load_model(tmp_path)


def test_an_unknown_version_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"schema_version": 99}))
    with pytest.raises(ModelError, match="schema version 99"):
        load_model(copy)


@pytest.mark.parametrize("part", ["name", "dim", "audio", "text", "files"])
def test_an_incomplete_configuration_is_refused(part: str, folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    del config[part]
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=part):
        load_model(copy)


@pytest.mark.parametrize("name", ["audio.onnx", "text.onnx", "tokenizer.json"])
def test_a_file_with_another_hash_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / name).write_bytes((copy / name).read_bytes() + b" ")
    path = tone(tmp_path / "tone.wav", 1.0)
    model = load_model(copy)
    with pytest.raises(ModelError, match=f"{name} is not the file"):
        model.embed_audio([path]) if name == "audio.onnx" else model.embed_text(["low"])


@pytest.mark.parametrize("name", ["audio.onnx", "text.onnx"])
def test_a_missing_or_invalid_tower_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    path = tone(tmp_path / "tone.wav", 1.0)

    def use(model: Model) -> None:
        model.embed_audio([path]) if name == "audio.onnx" else model.embed_text(["low"])

    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / name).write_bytes(b"no graph")
    tiny_model.write_config(copy)
    with pytest.raises(ModelError, match="cannot be read as an ONNX model"):
        use(load_model(copy))
    (copy / name).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        use(load_model(copy))


def test_towers_of_another_shape_are_refused(tmp_path: Path) -> None:
    model = load_model(tiny_model.make(tmp_path / "wrong", dim=3))
    with pytest.raises(ModelError, match=r"text\.onnx: the output has shape .* not \[batch, 3\]"):
        model.embed_text(["low"])
    path = tone(tmp_path / "tone.wav", 1.0)
    with pytest.raises(ModelError, match=r"audio\.onnx: the output has shape"):
        model.embed_audio([path])


def test_a_tower_with_other_inputs_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    shutil.copyfile(copy / "audio.onnx", copy / "text.onnx")
    tiny_model.write_config(copy)
    with pytest.raises(ModelError, match="has inputs log_mel, not input_ids"):
        load_model(copy).embed_text(["low"])


def test_a_collapsed_text_tower_is_refused_with_its_figure(tmp_path: Path) -> None:
    model = load_model(tiny_model.make(tmp_path / "collapsed", collapsed=1.0))
    with pytest.raises(ModelError, match=r"has collapsed: .* mean cosine of 1\.0000"):
        model.embed_text(["low"])


def test_a_text_tower_of_zeros_is_refused(tmp_path: Path) -> None:
    model = load_model(tiny_model.make(tmp_path / "zeros", collapsed=0.0))
    with pytest.raises(ModelError, match="has collapsed: the embedding of 'jazz' is zero"):
        model.embed_text(["low"])


def test_a_hub_name_that_cannot_be_fetched_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="hf:nobody/nothing cannot be downloaded"):
        load_model("hf:nobody/nothing")


def cached(folder: Path, cache: Path, revision: str) -> None:
    """Lays a model out as the hub's client does in its cache."""
    repository = cache / "models--owner--tiny"
    shutil.copytree(folder, repository / "snapshots" / revision)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(revision)


def test_a_hub_name_is_found_offline_once_it_was_fetched(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = "a" * 40, "b" * 40
    cached(folder, tmp_path, first)
    other = shutil.copytree(folder, tmp_path / "other")
    tiny_model.write_config(other, name="newer")
    cached(other, tmp_path, second)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(tmp_path))
    assert load_model("hf:owner/tiny").name == "newer"
    assert load_model(f"hf:owner/tiny@{first}").name == "tiny"


def test_a_preloaded_text_tower_gives_the_same_embeddings(folder: Path) -> None:
    model = load_model(folder)
    model.preload_text_tower()
    model.preload_text_tower()
    expected = load_model(folder).embed_text(["low tone"])
    assert np.array_equal(model.embed_text(["low tone"]), expected)
    model.preload_text_tower()
    model.unload()
    assert np.array_equal(model.embed_text(["low tone"]), expected)


def test_preloading_a_modified_text_tower_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "text.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match="is not the file that"):
        load_model(copy).preload_text_tower()
