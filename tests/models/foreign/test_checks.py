from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_clap  # noqa: E402
from tunespace.errors import ModelError  # noqa: E402
from tunespace.models.foreign.load import load_joint_model  # noqa: E402

Weights = dict[str, Any]


def weights(change: Callable[[Weights], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        path = folder / "model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path, metadata={"format": "pt"})

    return damage


def pointer(folder: Path) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 614524256\n"
    (folder / "model.safetensors").write_text(text)


def truncate(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def remove_tokenizer(folder: Path) -> None:
    for path in [*folder.glob("tokenizer*"), *folder.glob("vocab*"), *folder.glob("merges*")]:
        path.unlink()


def write_login_page(folder: Path) -> None:
    (folder / "config.json").write_text("<!doctype html><html>Sign in</html>")


def make_constant(tensors: Weights) -> None:
    tensors["audio_projection.linear2.weight"].zero_()
    tensors["audio_projection.linear2.bias"].fill_(1.0)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (pointer, "is a pointer of git-lfs, not the file: run `git lfs pull`"),
        (truncate, "cannot be read as CLAP"),
        (remove_tokenizer, "has no tokenizer"),
        (write_login_page, r"config\.json is not JSON"),
        (
            weights(lambda t: t["audio_projection.linear2.bias"].fill_(float("nan"))),
            "1 weights are not finite, as audio_projection.linear2.bias",
        ),
        (weights(make_constant), "one embedding for two different sounds"),
        (weights(lambda t: t.pop("text_projection.linear1.weight")), "lacks 1 weights"),
    ],
)
def test_a_damaged_checkpoint_is_one_error(
    damage: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    folder = tiny_clap.make(tmp_path / "clap")
    assert load_joint_model(folder).dim == 8
    damage(folder)
    with pytest.raises(ModelError, match=message) as raised:
        load_joint_model(folder)
    assert "\n" not in str(raised.value)
