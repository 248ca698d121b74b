"""Checkpoints of other projects in their published layout.

The expected numbers are what the projects' own code makes of the same weights, song and texts:
msclap 1.3.4 and muq 0.1.0 from the package index, and the published models of TTMR, TTMR++ and
CLaMP 3, window by window, their means taken before they are brought to unit length.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import sounds
import tiny_foreign
from tunespace.errors import ModelError
from tunespace.models import JointModel, load_joint_model
from tunespace.models.foreign import ForeignModel

TEXTS = ["sad piano!", "jazz, with a warm sound"]
MAKE: dict[str, Callable[[Path], Path]] = {
    "ttmr": tiny_foreign.ttmr,
    "ttmrpp": tiny_foreign.ttmrpp,
    "msclap": tiny_foreign.msclap,
    "muq_mulan": tiny_foreign.muq_mulan,
    "clamp3": tiny_foreign.clamp3,
}
EXPECTED = {
    "ttmr": ([0.39152, 0.45226, 0.19731, 0.46338], [-0.08697, 0.12822, 0.28335, -0.24058]),
    "ttmrpp": ([0.48898, 0.11349, 0.17008, -0.15391], [-0.07762, 0.17289, 0.26871, -0.25148]),
    "msclap": ([-0.23354, -0.49452, 0.60833, -0.28787], [0.12071, 0.46719, -0.64821, 0.28549]),
    "muq_mulan": ([-0.06051, 0.49058, -0.0556, 0.74299], [-0.28481, -0.18929, -0.68659, -0.13084]),
    "clamp3": ([-0.25888, -0.23713, 0.50351, 0.6474], [-0.50171, -0.04693, -0.09768, -0.65255]),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("published")
    return {name: make(root / name) for name, make in MAKE.items()}


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 s of noise that grows."""
    noise = np.random.default_rng(0).random(23 * 16_000, np.float32) - 0.5
    grows = np.linspace(0.1, 1, len(noise), dtype=np.float32)
    return sounds.wav(tmp_path_factory.mktemp("song") / "song.wav", noise * grows)


def foreign(folder: Path) -> ForeignModel:
    found = load_joint_model(folder)
    assert isinstance(found, ForeignModel)
    return found


@pytest.mark.parametrize("name", MAKE)
def test_embeddings_equal_those_of_the_original_code(
    folders: dict[str, Path], song: Path, name: str
) -> None:
    model = foreign(folders[name])
    audio, text = EXPECTED[name]
    embedding, text_rows = model.embed_file(song).vector, model.embed_text(TEXTS)
    np.testing.assert_allclose(embedding[:4], audio, atol=2e-4)
    np.testing.assert_allclose(text_rows[0, :4], text, atol=2e-5)
    for rows in (embedding, *text_rows):
        assert rows.dtype == np.float32
        assert rows.shape == (model.dim,)
        assert np.linalg.norm(rows) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(text_rows[1], model.embed_text(TEXTS[1:])[0])
    np.testing.assert_array_equal(embedding, foreign(folders[name]).embed_file(song).vector)


@pytest.mark.parametrize("name", MAKE)
def test_windows_cover_the_track_and_short_files_are_embedded(
    folders: dict[str, Path], song: Path, name: str
) -> None:
    model = foreign(folders[name])
    windows = model.embed_file(song).windows
    assert windows[0].start == 0
    assert windows[-1].end >= 22
    short = model.embed_file(song, duration=0.5)
    assert len(short.windows) == 1
    assert np.isfinite(short.vector).all()


@pytest.mark.parametrize("name", MAKE)
def test_identity_depends_on_all_files(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    model = foreign(folders[name])
    assert any("/" in file for file in model.files)
    copy = MAKE[name](tmp_path / name)
    assert load_joint_model(copy).identity == model.identity
    tokenizer = next(copy.glob("*/tokenizer.json"))
    tokenizer.write_text(tokenizer.read_text() + " ")
    assert load_joint_model(copy).identity != model.identity


@pytest.mark.parametrize("name", MAKE)
def test_missing_files_are_reported(tmp_path: Path, name: str) -> None:
    folder = MAKE[name](tmp_path / name)
    tokenizer = next(folder.glob("*/tokenizer.json")).parent
    tokenizer.rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=f"put them into .*{tokenizer.name}"):
        load_joint_model(folder).embed_text(["x"])


def lacking(folder: Path, pattern: str, name: str) -> JointModel:
    """The same checkpoint without one weight."""
    path = next(folder.glob(pattern))
    found = torch.load(path)
    weights = found.get("state_dict", found.get("model", found))
    del weights[name]
    torch.save(found, path)
    return load_joint_model(folder, check=False)


def test_a_weight_that_is_missing_is_named(tmp_path: Path, song: Path) -> None:
    ttmr = lacking(tiny_foreign.ttmr(tmp_path / "t"), "*.pth", "module.audio_encoder.cls_token")
    with pytest.raises(ModelError, match="lacks the weight cls_token"):
        ttmr.embed_file(song)
    name = "mulan.audio.model.model.conformer.layers.0.ffn1_layer_norm.weight"
    muq = lacking(tiny_foreign.muq_mulan(tmp_path / "m"), "*.bin", name)
    with pytest.raises(ModelError, match="lacks 1 weights, as conformer"):
        muq.embed_file(song)
    name = "audio_encoder.base.htsat.layers.0.blocks.0.attn.qkv.weight"
    clap = lacking(tiny_foreign.msclap(tmp_path / "c"), "*.pth", name)
    with pytest.raises(ModelError, match="lacks 3 weights"):
        clap.embed_file(song)


def test_no_file_is_unpickled(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    torch.save({"model": {"x": torch.zeros(1)}, "args": Path("x")}, folder / "weights.pth")
    with pytest.raises(ModelError, match="contains more than weights"):
        load_joint_model(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"x": torch.zeros(1)}, "not a model of a supported kind"),
        ({"epoch": 1}, "contains no weights"),
        ([1, 2], "contains no weights"),
    ],
)
def test_other_weights_are_refused(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(ModelError, match=message):
        load_joint_model(tmp_path)


def test_garbage_and_two_files_of_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"nothing at all")
    with pytest.raises(ModelError, match=r"a\.pth"):
        load_joint_model(tmp_path)
    (tmp_path / "b.pth").write_bytes(b"")
    with pytest.raises(ModelError, match=r"one file of weights; it contains a\.pth, b\.pth"):
        load_joint_model(tmp_path)


def test_the_usual_file_is_read_where_there_are_several(tmp_path: Path) -> None:
    folder = tiny_foreign.muq_mulan(tmp_path / "muq")
    first = load_joint_model(folder).embed_text(["jazz"])
    (folder / "fairseq.pt").write_bytes(b"of another program")
    np.testing.assert_array_equal(load_joint_model(folder).embed_text(["jazz"]), first)


def test_ttmr_reads_only_the_real_part_of_the_spectrum(folders: dict[str, Path]) -> None:
    """Clicks at the centre of frames have a spectrum that is real; those beside it have not."""
    model = foreign(folders["ttmr"])
    samples = np.zeros(round(9.91 * 16_000), np.float32)
    samples[::160] = 1
    shifted = np.roll(samples, 3)
    first, second = model.encode_audio(samples), model.encode_audio(shifted)
    # The power of both is the same: whoever uses it hears no difference.
    assert np.abs(first - second).max() > 1e-3


def test_ttmr_of_other_text_encoders_is_refused(tmp_path: Path) -> None:
    folder = tiny_foreign.ttmr(tmp_path / "glove", text_type="glove")
    with pytest.raises(ModelError, match="text encoder glove"):
        load_joint_model(folder).embed_text(["x"])


def test_ttmrpp_embeds_each_window_as_its_own_batch(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    """A quiet window beside a loud one is heard as it is alone."""
    model = foreign(folders["ttmrpp"])
    noise = np.random.default_rng(1).random(20 * 22_050, np.float32) - 0.5
    noise[: 10 * 22_050] *= 1e-4
    path = sounds.write(tmp_path / "both.wav", noise[None], 22_050, "pcm_f32le")
    both = model.embed_file(path).windows
    alone = model.embed_file(path, duration=10).windows
    np.testing.assert_allclose(both[0].vector, alone[0].vector, atol=1e-4)


def test_ttmrpp_has_one_row_of_positions_for_all_places(folders: dict[str, Path]) -> None:
    found = torch.load(folders["ttmrpp"] / "ttmrpp_resnet_roberta.pth")["state_dict"]
    assert found["audio_encoder.attn_pool.positional_embedding"].shape[0] == 1
    assert "text_encoder.pooler.dense.weight" not in found


def test_msclap_counts_exclamation_marks_as_padding(folders: dict[str, Path]) -> None:
    """So "piano!" is heard one token too early: another vector than that of its last token."""
    model = foreign(folders["msclap"])
    with_mark, without = model.encode_text("piano!"), model.encode_text("piano?")
    assert np.abs(with_mark - without).max() > 1e-3
    assert model.encode_text("piano " * 60).shape == (8,)  # longer than 77 tokens


def test_muq_fills_the_last_window_with_the_beginning(
    folders: dict[str, Path], song: Path, tmp_path: Path
) -> None:
    from tunespace.audio import decode

    model = foreign(folders["muq_mulan"])
    samples = decode(song, 24_000)
    wrapped = np.concatenate([samples[480_000:], samples])[:240_000]
    last = model.encode_audio(wrapped)
    np.testing.assert_allclose(model.embed_file(song).windows[-1].vector, last, atol=1e-4)
    # A track's latents are unit vectors each, and their mean is not.
    embedding = model.embed_file(song)
    mean = np.mean([window.vector for window in embedding.windows], axis=0)
    assert np.linalg.norm(mean) < 1
    np.testing.assert_allclose(embedding.vector, mean / np.linalg.norm(mean), atol=1e-5)
    shallow = load_joint_model(tiny_foreign.muq_mulan(tmp_path / "shallow", depth=0))
    assert shallow.embed_file(song, duration=10).vector.shape == (8,)


def test_clamp3_weights_pieces_by_their_length(folders: dict[str, Path], song: Path) -> None:
    """Five windows of five seconds, a zero before and after: one piece of six, and one of one."""
    model = foreign(folders["clamp3"])
    embedding = model.embed_file(song)
    assert [(round(w.start), round(w.end)) for w in embedding.windows] == [(0, 23), (20, 23)]
    assert model.embed_file(song, duration=10).windows[0].end == pytest.approx(10, abs=0.01)


def test_clamp3_ignores_the_level(folders: dict[str, Path], tmp_path: Path) -> None:
    noise = np.random.default_rng(2).random(12 * 24_000, np.float32) - 0.5
    paths = [
        sounds.write(tmp_path / f"{n}.wav", level * noise[None], 24_000, "pcm_f32le")
        for n, level in enumerate((1.0, 0.3))
    ]
    loud, quiet = (foreign(folders["clamp3"]).embed_file(path).vector for path in paths)
    np.testing.assert_allclose(loud, quiet, atol=1e-3)


def test_clamp3_reads_each_line_once_and_long_texts_in_pieces(folders: dict[str, Path]) -> None:
    model = foreign(folders["clamp3"])
    np.testing.assert_array_equal(
        model.encode_text("jazz\nslow\njazz"), model.encode_text("jazz\nslow")
    )
    assert np.abs(model.encode_text("jazz\nslow") - model.encode_text("slow\njazz")).max() > 1e-4
    assert model.encode_text("a long text " * 30).shape == (8,)
