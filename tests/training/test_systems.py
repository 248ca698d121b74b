"""Every system trains, exports and is searched, each small enough for a test."""

from pathlib import Path

import numpy as np
import pytest

import tunespace
from tiny_music import manifest
from tunespace.data.manifest import load_manifest
from tunespace.evaluation.protocols import split_tags
from tunespace.training.loop.train import TrainingResult, train
from tunespace.training.recipe.catalogue import recipe_names
from tunespace.training.recipe.recipe import load_recipe

FRONT_END = (
    "front_end.sample_rate=16000",
    "front_end.hop=320",
    "front_end.n_mels=16",
    "front_end.f_max=8000.0",
    "schedule.epochs=1",
    "schedule.batch_size=6",
    "projection.dim=8",
    "seconds=0.64",
)
RESNET = ("audio_tower.channels=4", "audio_tower.heads=2", "audio_tower.depths=[1,1,1,1]")
TEXT = ("text_tower.width=16", "text_tower.heads=2", "text_tower.layers=1")
CHANGES: dict[str, tuple[str, ...]] = {
    "choi2019": ("audio_tower.channels=8", "audio_tower.width=8", "text_tower.width=32"),
    "won2021": ("audio_tower.channels=4", "audio_tower.width=8", "text_tower.width=16"),
    # Narrower, word vectors (the lexicon has a part in them) are nearly alike after few steps.
    "doh2024-mwe": ("audio_tower.channels=8", "audio_tower.width=8", "text_tower.width=32"),
    "muser2022": ("audio_tower.channels=8", "image_tower.channels=4", "image_tower.heads=2", *TEXT),
    "ttmr2023": (
        "audio_tower.channels=4",
        "audio_tower.width=16",
        "audio_tower.layers=1",
        "audio_tower.heads=2",
        *TEXT,
    ),
    "mulan2022": (*RESNET[:1], *TEXT),
    "muscall2022": (*RESNET, *TEXT),
    # Words: an encoder from scratch tells these few texts apart only after many steps.
    "clap2023": (
        "front_end.n_mels=32",
        "audio_tower.width=8",
        "audio_tower.heads=[1,1,2,2]",
        "text_tower.kind=words",
        "text_tower.width=8",
    ),
    "ttmrpp2024": (*RESNET, *TEXT),
}


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return manifest(tmp_path_factory.mktemp("music"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def run(
    name: str, music: Path, cache: Path, out: Path, *changes: str, presets: tuple[str, ...] = ()
) -> TrainingResult:
    recipe = load_recipe(name, presets=presets, changes=[*FRONT_END, *CHANGES[name], *changes])
    return train(recipe, music, out, cache=cache, accelerator="cpu", log=lambda _: None)


def test_there_is_a_recipe_for_each_system() -> None:
    assert sorted(CHANGES) == recipe_names()


@pytest.mark.parametrize("name", CHANGES)
def test_each_system_trains_exports_and_embeds(
    name: str, music: Path, cache: Path, tmp_path: Path
) -> None:
    trained = run(name, music, cache, tmp_path / "run")
    model = tunespace.load_model(trained.model)
    files = sorted(music.parent.glob("*.wav"))[:2]
    embeddings = model.embed_audio(files)
    assert embeddings.shape == (2, 8)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(embeddings[:1], model.embed_audio(files[:1]), atol=1e-5)
    asked = model.embed_text(["low", "a loud tone, high"])
    np.testing.assert_allclose(np.linalg.norm(asked, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "preset", "changes"),
    [
        ("clap2023", "fusion", ("seconds=2.56",)),
        (
            "mulan2022",
            "ast",
            ("audio_tower.width=16", "audio_tower.layers=1", "audio_tower.patch=8"),
        ),
        ("muscall2022", "self-supervision", ()),
        ("won2021", "random", ()),
    ],
)
def test_a_preset_is_trained_and_exported(
    name: str, preset: str, changes: tuple[str, ...], music: Path, cache: Path, tmp_path: Path
) -> None:
    before = CHANGES[name] if preset != "ast" else (*TEXT, "audio_tower.heads=2")
    recipe = load_recipe(name, presets=[preset], changes=[*FRONT_END, *before, *changes])
    out = tmp_path / "run"
    trained = train(recipe, music, out, cache=cache, accelerator="cpu", log=lambda _: None)
    model = tunespace.load_model(trained.model)
    path = music.parent / "low-loud-0.wav"
    np.testing.assert_array_equal(model.embed_audio([path]), model.embed_audio([path]))


@pytest.mark.parametrize(
    "changes",
    [
        ("loss.kind=decoupled",),
        ("loss.kind=sigmoid",),
        ("hard_negatives.kind=swap", "hard_negatives.from_epoch=0.0"),
        ("hard_negatives.kind=negation", "loss.kind=sigmoid"),
        ("loss.kind=decoupled", "hard_negatives.kind=swap", "hard_negatives.from_epoch=0.0"),
        ("captions.kind=caption", "captions.keep=0.5"),
        ("captions={kind: views, of: [{kind: caption}, {kind: stochastic}]}",),
        ("audio_tower.kind=short-chunk", "audio_tower.channels=4", "audio_tower.width=8"),
        ("schedule.precision=bf16",),
        ("loss.kind=slap", "loss.hidden=16"),
        ("schedule.ema_decay=0.5",),
        (
            "augment.gain_db=6.0",
            "augment.noise_db=20.0",
            "augment.shift=1",
            "augment.mask_bands=4",
            "augment.mask_frames=8",
        ),
    ],
    ids=" ".join,
)
def test_an_option_is_trained(
    changes: tuple[str, ...], music: Path, cache: Path, tmp_path: Path
) -> None:
    trained = run("ttmr2023", music, cache, tmp_path / "run", "audio_tower.kind=linear", *changes)
    assert np.isfinite(trained.figures["loss"])


def test_held_out_tags_are_not_trained_on_and_are_evaluated(
    tmp_path: Path,
) -> None:
    music = manifest(tmp_path / "music", copies=4)
    rows = music.read_text(encoding="utf-8").splitlines()
    # One artist is for the test, and every clip has tags enough that some are unseen.
    more = "; ".join(f"word {n}" for n in range(10))
    rows = [rows[0], *(row.replace("; tone", f"; tone; {more}") for row in rows[1:])]
    rows = [row.replace("train", "test") if "artist 0" in row else row for row in rows]
    music.write_text("\n".join(rows) + "\n", encoding="utf-8")
    recipe = load_recipe("choi2019", changes=[*FRONT_END, *CHANGES["choi2019"]])
    trained = train(recipe, music, tmp_path / "run", cache=tmp_path / "cache", log=lambda _: None)
    kept = load_manifest(trained.folder / "manifest.jsonl")
    unseen = set(split_tags(load_manifest(music).items).unseen)
    assert unseen
    for part in ("train", "validation"):
        assert not unseen & {tag for item in kept.subset(part).items for tag in item.tags}
    judged = kept.subset("test")
    assert unseen <= {tag for item in judged.items for tag in item.tags}
    assert set(split_tags(judged.items).unseen) == unseen
