from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import sounds
import tiny_clap
from tunespace.errors import ModelError, QueryError
from tunespace.models import JointModel, load_joint_model
from tunespace.models.foreign import ForeignModel
from tunespace.models.foreign.clap import _row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clap.make(tmp_path_factory.mktemp("clap") / "tiny-clap")


@pytest.fixture(scope="module")
def clap(folder: Path) -> JointModel:
    return load_joint_model(folder)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).random(23 * 16_000, np.float32) - 0.5
    return sounds.wav(tmp_path / "song.wav", noise)


def test_texts_are_unit_rows_that_do_not_depend_on_each_other(clap: JointModel) -> None:
    rows = clap.embed_text(["sad piano", "metal, with a very long list of words behind it " * 9])
    assert rows.shape == (2, 8)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(rows[0], clap.embed_text(["sad piano"])[0])
    with pytest.raises(QueryError, match="empty"):
        clap.embed_text([" "])


def test_the_whole_track_is_embedded_deterministically(clap: JointModel, song: Path) -> None:
    first, second = clap.embed_file(song), clap.embed_file(song)
    np.testing.assert_array_equal(first.vector, second.vector)
    assert [round(w.start) for w in first.windows] == [0, 10, 20]
    assert first.seconds == pytest.approx(23, abs=0.01)
    part = clap.embed_file(song, start=10, duration=10)
    np.testing.assert_allclose(part.vector, first.windows[1].vector, atol=1e-4)
    short = clap.embed_file(song, duration=0.3)
    assert len(short.windows) == 1


def test_embeddings_equal_those_of_transformers(clap: JointModel, folder: Path) -> None:
    from transformers import AutoTokenizer, ClapModel

    model = ClapModel.from_pretrained(folder)
    inputs = AutoTokenizer.from_pretrained(folder)("sad piano", return_tensors="pt")
    with torch.inference_mode():
        features = model.get_text_features(inputs["input_ids"], inputs["attention_mask"])
    expected = _row(features)
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(clap.embed_text(["sad piano"])[0], expected, atol=1e-5)


def test_both_output_formats_of_transformers_are_read() -> None:
    rows = torch.tensor([[1.0, 2.0]])
    assert _row(rows).tolist() == _row(SimpleNamespace(pooler_output=rows)).tolist() == [1, 2]


def test_samples_are_rounded_to_16_bits(folder: Path) -> None:
    model = load_joint_model(folder)
    assert isinstance(model, ForeignModel)
    faint = np.full(48_000, 0.9 / 32767, np.float32)  # less than one step
    np.testing.assert_array_equal(
        model.encode_audio(faint), model.encode_audio(np.zeros_like(faint))
    )
    loud = np.full(48_000, 1.5, np.float32)
    np.testing.assert_array_equal(model.encode_audio(loud), model.encode_audio(np.ones_like(loud)))


def test_buffers_that_older_versions_saved_do_not_matter(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    old = tiny_clap.make(tmp_path / "old")
    weights = load_file(old / "model.safetensors")
    weights["text_model.embeddings.position_ids"] = torch.arange(40)[None]
    save_file(weights, old / "model.safetensors", metadata={"format": "pt"})
    first, second = (load_joint_model(f).embed_text(["jazz"]) for f in (old, folder))
    np.testing.assert_array_equal(first, second)


def test_a_fused_checkpoint_is_read(tmp_path: Path, song: Path) -> None:
    fused = load_joint_model(tiny_clap.make(tmp_path / "fused", fusion=True))
    first, second = fused.embed_file(song), fused.embed_file(song)
    np.testing.assert_array_equal(first.vector, second.vector)


def test_identity_is_of_all_files(folder: Path, tmp_path: Path) -> None:
    first = load_joint_model(folder).identity
    assert first.startswith("tiny-clap@")
    other = load_joint_model(tiny_clap.make(tmp_path / "tiny-clap", seed=1)).identity
    assert other != first


def test_unreadable_input_is_an_error(tmp_path: Path) -> None:
    folder = tiny_clap.make(tmp_path / "clap")
    tiny_clap.drop(folder, "audio_projection")
    with pytest.raises(ModelError, match="lacks 4 weights, as audio_projection"):
        load_joint_model(folder).embed_text(["x"])
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot be read as CLAP"):
        load_joint_model(folder).embed_text(["x"])
    tiny_clap.model_type(folder, "bert")
    with pytest.raises(ModelError, match="type 'bert'"):
        load_joint_model(folder)
