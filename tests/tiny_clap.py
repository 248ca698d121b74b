"""A CLAP checkpoint with random weights, in the layout that transformers publishes."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, RobertaTokenizerFast


def make(folder: Path, *, seed: int = 0, fusion: bool = False) -> Path:
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    config = ClapConfig(
        text_config={
            "vocab_size": 300,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 40,
            "projection_dim": 8,
        },
        audio_config={
            "patch_embeds_hidden_size": 8,
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 1, 2, 2],
            "hidden_size": 64,
            "num_hidden_layers": 4,
            "projection_dim": 8,
            "enable_fusion": fusion,
        },
        projection_dim=8,
    )
    ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(truncation="fusion" if fusion else "rand_trunc").save_pretrained(folder)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    letters = pre_tokenizers.ByteLevel.alphabet()
    vocabulary = {token: n for n, token in enumerate([*special, *sorted(letters)])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token=special[3]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    RobertaTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    return folder


def drop(folder: Path, prefix: str) -> None:
    """Takes weights out of the checkpoint."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    kept = {k: v for k, v in load_file(path).items() if not k.startswith(prefix)}
    save_file(kept, path, metadata={"format": "pt"})


def model_type(folder: Path, name: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": name}))
