import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tunespace.data.manifest import Item, load_manifest
from tunespace.errors import TrainingError
from tunespace.training.llm_captioning import generator, write_captions

ITEMS = (
    Item("1", Path("a.wav"), tags=("jazz", "piano"), captions=("An old one.",)),
    Item("2", Path("b.wav"), tags=("rock",)),
    Item("3", Path("c.wav")),
)


class Model:
    """Says what it is told to, and how often it was asked."""

    def __init__(self, *answers: str, fails_after: int = 100) -> None:
        self.answers, self.requests, self.left = answers, list[str](), fails_after

    def __call__(self, requests: Sequence[str], seed: int) -> list[str]:
        del seed
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        self.requests += requests
        return [self.answers[n % len(self.answers)] for n, _ in enumerate(requests)]


def test_captions_that_name_a_tag_are_added(tmp_path: Path) -> None:
    model = Model('"Warm jazz on a PIANO."\nAnd more.', "Something else entirely.")
    written = write_captions(ITEMS, model, tmp_path / "out.jsonl")
    assert (written.captions, written.dropped) == (1, 1)
    found = load_manifest(tmp_path / "out.jsonl").items
    assert [item.captions for item in found] == [
        ("An old one.", "Warm jazz on a PIANO."),
        (),
        (),
    ]
    assert "jazz" in model.requests[0]
    assert "piano" in model.requests[0]
    assert list(tmp_path.iterdir()) == [tmp_path / "out.jsonl"]


def test_a_stopped_run_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunespace.training.llm_captioning._AT_ONCE", 1)
    with pytest.raises(KeyboardInterrupt):
        write_captions(ITEMS, Model("jazz, rock", fails_after=1), tmp_path / "out.jsonl")
    with (tmp_path / "out.partial.jsonl").open("a") as file:
        file.write('["2 0", "ro')  # killed while it wrote
    second = Model("rock")
    written = write_captions(ITEMS, second, tmp_path / "out.jsonl")
    assert len(second.requests) == 1
    assert written.captions == 2


def test_clips_without_tags_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no clip has tags"):
        write_captions(ITEMS[2:], Model(""), tmp_path / "out.jsonl")


@pytest.mark.parametrize("chats", [False, True])
def test_a_model_in_the_published_format_generates_captions(tmp_path: Path, *, chats: bool) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from tunespace.training.towers.text_encoder import small_tokenizer

    folder = tmp_path / "llama"
    tokenizer = small_tokenizer(["a sentence about music that is tagged jazz, piano"])
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token="[SEP]"
    )
    if chats:
        fast.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    model = generator(str(folder))
    captions = model(["jazz", "a longer request about music"], 0)
    assert len(captions) == 2
    assert all(captions)
    assert model(["jazz", "a longer request about music"], 0) == captions
    assert model(["jazz", "a longer request about music"], 1) != captions


def test_a_missing_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"--model: .*nowhere cannot be loaded"):
        generator(str(tmp_path / "nowhere"))


def test_partial_results_are_json_lines(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_captions(ITEMS, Model("x", fails_after=0), tmp_path / "out.jsonl")
    assert (tmp_path / "out.partial.jsonl").read_text() == ""
    write_captions(ITEMS, Model("rock jazz"), tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[1])["captions"]
