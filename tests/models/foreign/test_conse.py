import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import sounds
import tiny_model
from tunespace.errors import ModelError
from tunespace.models import JointModel, load_joint_model, load_model
from tunespace.models.foreign.conse import Tagger, main, make

TAGS = ["genre---jazz", "genre---metal", "piano", "choir", "low", "high"]


class Reference(nn.Module):
    """The tagger in layers of torch, under its published names."""

    def __init__(self) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        sizes = [1, 4, 4, 4, 4, 3]
        pools = [(2, 4), (2, 4), (2, 4), (3, 5), (4, 4)]
        for n in range(5):
            layer = nn.Module()
            layer.conv = nn.Conv2d(sizes[n], sizes[n + 1], 3, padding=1)
            layer.bn = nn.BatchNorm2d(sizes[n + 1])
            layer.mp = nn.MaxPool2d(pools[n])
            setattr(self, f"layer{n + 1}", layer)
        self.dense = nn.Linear(3, len(TAGS))

    def forward(self, decibels: torch.Tensor) -> torch.Tensor:
        x = self.spec_bn(decibels)
        for n in range(5):
            layer = getattr(self, f"layer{n + 1}")
            x = layer.mp(torch.relu(layer.bn(layer.conv(x))))
        logits: torch.Tensor = self.dense(x.flatten(1))
        return logits


@pytest.fixture
def weights(tmp_path: Path) -> tuple[Path, Reference]:
    torch.manual_seed(0)
    reference = Reference().eval()
    for part in reference.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean = torch.rand_like(part.weight)
            part.running_var = torch.rand_like(part.weight) + 0.5
    filters = torch.rand(257, 96)
    kept = dict(reference.state_dict())
    kept |= {"spec.spectrogram.window": torch.hann_window(512), "spec.mel_scale.fb": filters}
    save_file(kept, tmp_path / "fcn.safetensors")
    return tmp_path / "fcn.safetensors", reference


@pytest.fixture
def conse(weights: tuple[Path, Reference], tmp_path: Path) -> JointModel:
    text = tiny_model.make(tmp_path / "text")
    make(weights[0], TAGS, str(text), tmp_path / "conse")
    return load_joint_model(tmp_path / "conse")


def test_the_tagger_is_the_published_one(weights: tuple[Path, Reference]) -> None:
    path, reference = weights
    samples = np.random.default_rng(0).random(464_000, np.float32) - 0.5
    spectrum = torch.stft(
        torch.from_numpy(samples), 512, 256, window=torch.hann_window(512), return_complex=True
    )
    from safetensors.torch import load_file

    mel = load_file(path)["spec.mel_scale.fb"].T @ spectrum.abs() ** 2
    with torch.inference_mode():
        expected = reference((10 * torch.log10(mel.clamp(min=1e-10)))[None, None])[0].numpy()
    np.testing.assert_allclose(Tagger(path)(samples), expected, rtol=1e-3, atol=1e-3)


def test_a_track_is_the_mean_of_its_tags_texts(
    conse: JointModel, weights: tuple[Path, Reference], tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).random(464_000, np.float32) - 0.5
    song = sounds.wav(tmp_path / "song.wav", noise)
    sure = 1 / (1 + np.exp(-Tagger(weights[0])(noise)))
    words = [tag.rpartition("---")[2] for tag in TAGS]
    expected = sure @ conse.embed_text(words)
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(conse.embed_file(song).vector, expected, atol=1e-3)
    short = sounds.wav(tmp_path / "short.wav", noise[:30_000])
    assert conse.embed_file(short).vector.shape == (2,)


def test_the_folder_is_made_by_a_command(
    weights: tuple[Path, Reference], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tags.json").write_text(json.dumps({"jamendo": TAGS}))
    out = tmp_path / "made"
    arguments = [str(weights[0]), str(tmp_path / "tags.json"), "jamendo", str(out)]
    monkeypatch.setattr(sys, "argv", ["conse", *arguments])
    main()
    model = load_joint_model(out)
    assert model.dim == load_model().dim
    assert model.files["text"].startswith("tunespace-small@")
    assert model.identity.startswith("made@")


@pytest.mark.usefixtures("conse")
def test_unreadable_input_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "conse"
    song = sounds.wav(tmp_path / "song.wav", np.full(20_000, 0.1, np.float32))
    make(folder / "fcn.safetensors", TAGS[:-1], str(tmp_path / "text"), tmp_path / "fewer")
    with pytest.raises(ModelError, match="6 outputs, but 5 tags"):
        load_joint_model(tmp_path / "fewer").embed_file(song)
    (folder / "fcn.safetensors").unlink()  # the model that is loaded has it mapped
    (folder / "fcn.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be read as a tagger"):
        load_joint_model(folder)
    (folder / "conse.json").write_text("{}")
    with pytest.raises(ModelError, match=r"conse\.json cannot be read"):
        load_joint_model(folder).embed_text(["x"])
