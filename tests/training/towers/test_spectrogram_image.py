from pathlib import Path

import pytest
import torch
from transformers import ClapModel

import tiny_clap
from tunespace.errors import TrainingError
from tunespace.training.recipe import config
from tunespace.training.towers.spectrogram_image import Htsat


def htsat(folder: Path) -> Htsat:
    settings = config.HtsatConfig(pretrained=str(folder))
    return Htsat(settings, n_mels=64, frames=512)


def test_the_audio_network_of_a_published_clap_is_loaded(tmp_path: Path) -> None:
    folder = tiny_clap.make(tmp_path / "clap")
    published = ClapModel.from_pretrained(folder).audio_model.audio_encoder.state_dict()
    loaded = htsat(folder).encoder.state_dict()
    assert loaded.keys() == published.keys()
    assert all(torch.equal(loaded[name], published[name]) for name in published)


def test_an_audio_network_alone_is_loaded(tmp_path: Path) -> None:
    folder = tiny_clap.make(tmp_path / "clap")
    model = ClapModel.from_pretrained(folder).audio_model
    model.save_pretrained(tmp_path / "audio")
    loaded = htsat(tmp_path / "audio").encoder.state_dict()
    published = model.audio_encoder.state_dict()
    assert all(torch.equal(loaded[name], published[name]) for name in published)


def test_weights_that_do_not_cover_the_network_are_refused(tmp_path: Path) -> None:
    folder = tiny_clap.make(tmp_path / "clap")
    tiny_clap.drop(folder, "audio_model.audio_encoder.layers.0")
    with pytest.raises(
        TrainingError, match=r"lacks \d+ of \d+ tensors of ClapModel, such as audio"
    ):
        htsat(folder)
