"""Checkpoints of other projects with random weights: their names and layout, tiny sizes.

Every weight is drawn by numpy from its own name, so that the same checkpoint can be made anywhere:
the vectors that tests expect were computed by the projects' own code on these weights.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    HubertConfig,
    HubertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    Wav2Vec2ConformerConfig,
    XLMRobertaConfig,
    XLMRobertaModel,
)
from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (
    Wav2Vec2ConformerEncoder,
)

Shapes = dict[str, tuple[int, ...]]
Weights = dict[str, torch.Tensor]

WORDS = 300


def drawn(shapes: Mapping[str, tuple[int, ...]]) -> Weights:
    """Random weights; variances are positive."""
    found = {}
    for name, shape in shapes.items():
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32) * 0.25
        if name.endswith(("running_var", "norm.weight", "learned_gamma", "_scale")):
            values = np.abs(values) + 0.5
        found[name] = torch.from_numpy(np.ascontiguousarray(values))
    return found


def _of(module: torch.nn.Module, prefix: str) -> Shapes:
    """Names and shapes of an encoder of transformers; they are those of its published weights."""
    return {
        f"{prefix}{name}": tuple(value.shape)
        for name, value in module.state_dict().items()
        if value.dtype == torch.float32
    }


def _norm(prefix: str, width: int) -> Shapes:
    return {f"{prefix}.weight": (width,), f"{prefix}.bias": (width,)}


def _batch_norm(prefix: str, width: int) -> Shapes:
    return _norm(prefix, width) | {
        f"{prefix}.running_mean": (width,),
        f"{prefix}.running_var": (width,),
    }


def _linear(prefix: str, inputs: int, outputs: int) -> Shapes:
    return {f"{prefix}.weight": (outputs, inputs), f"{prefix}.bias": (outputs,)}


def tokenizer(folder: Path, config: Any, *, special: Mapping[str, str], **roles: str) -> None:  # noqa: ANN401
    """A tokenizer of single bytes; ``special`` come first, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = pre_tokenizers.ByteLevel.alphabet()
    names = [*special, *(c for c in sorted(letters) if c not in special)]
    made = Tokenizer(models.BPE({name: n for n, name in enumerate(names)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    if "cls_token" in roles:
        first, last = roles["cls_token"], roles["sep_token"]
        made.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}",
            pair=None,
            special_tokens=[(first, names.index(first)), (last, names.index(last))],
        )
    saver: Any = PreTrainedTokenizerFast
    saver(tokenizer_object=made, **roles).save_pretrained(folder)
    config.save_pretrained(folder)


_BERT = BertConfig(
    vocab_size=WORDS,
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=64,
)
_ROBERTA: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 140,
    "pad_token_id": 1,
}


def _roberta(folder: Path, config: RobertaConfig | XLMRobertaConfig) -> None:
    special = dict.fromkeys(("<s>", "<pad>", "</s>", "<unk>"), "")
    tokenizer(
        folder,
        config,
        special=special,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
    )


def ttmr(folder: Path, **settings: object) -> Path:
    channels, width = 4, 64
    shapes: Shapes = {
        "audio_encoder.cls_token": (width,),
        "audio_encoder.pos_embedding": (1, 80, width),
    }
    shapes |= _batch_norm("audio_encoder.frontend.input_bn", 1)
    for n in range(1, 5):
        inputs = 1 if n == 1 else channels
        for k in (1, 2, 3) if n == 1 else (1, 2):
            name = f"audio_encoder.frontend.layer{n}"
            shapes |= {
                f"{name}.conv_{k}.weight": (channels, channels if k == 2 else inputs, 3, 3),
                f"{name}.conv_{k}.bias": (channels,),
            }
            shapes |= _batch_norm(f"{name}.bn_{k}", channels)
    shapes |= _linear("audio_encoder.frontend.fc", 8 * channels, width)
    for n in range(2):
        name = f"audio_encoder.transformer.layers.{n}"
        shapes |= _norm(f"{name}.0.fn.norm", width)
        shapes |= {f"{name}.0.fn.fn.to_qkv.weight": (3 * width, width)}
        shapes |= _linear(f"{name}.0.fn.fn.to_out.0", width, width)
        shapes |= _norm(f"{name}.1.fn.norm", width)
        shapes |= _linear(f"{name}.1.fn.fn.net.0", width, 4 * width)
        shapes |= _linear(f"{name}.1.fn.fn.net.3", 4 * width, width)
    shapes |= _of(BertModel(_BERT), "text_encoder.")
    for kind, size in (("audio", width), ("text", 16)):
        shapes |= _norm(f"{kind}_projector.0", size)
        shapes |= {f"{kind}_projector.1.weight": (8, size)}
    shapes |= {"logit_scale": (1,), "head.logit_scale": (1,)}
    weights = drawn(shapes)
    front = "audio_encoder.audio_representation"
    weights[f"{front}.spec_fn.window"] = torch.hann_window(1024)
    weights[f"{front}.mel_scale.fb"] = htk(16_000, 1024, 128, 8000.0)
    folder.mkdir(parents=True, exist_ok=True)
    state = {f"module.{name}": value for name, value in weights.items()}
    torch.save({"epoch": 3, "state_dict": state, "optimizer": {}}, folder / "best.pth")
    defaults = {
        "sr": 16000,
        "duration": 9.91,
        "text_type": "bert",
        "text_backbone": "bert-base-uncased",
    }
    lines = (f"{k}: {v}" for k, v in (defaults | settings).items())
    (folder / "hparams.yaml").write_text("\n".join(lines))
    special = dict.fromkeys(("[PAD]", "[UNK]", "[CLS]", "[SEP]"), "")
    tokenizer(
        folder / "bert-base-uncased",
        _BERT,
        special=special,
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        unk_token="[UNK]",
    )
    return folder


def htk(rate: int, n_fft: int, bands: int, high: float) -> torch.Tensor:
    """``(n_fft / 2 + 1, bands)``: triangles on the mel scale of HTK, with height 1."""
    mels = np.linspace(0, 2595 * np.log10(1 + high / 700), bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    at = np.linspace(0, rate / 2, n_fft // 2 + 1)[:, None]
    up = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return torch.from_numpy(np.maximum(0, np.minimum(up, down)).astype(np.float32))


def ttmrpp(folder: Path) -> Path:
    width = 4
    shapes: Shapes = {}
    for n, (inputs, outputs) in enumerate(
        ((1, width // 2), (width // 2, width // 2), (width // 2, width)), start=1
    ):
        shapes |= {f"audio_encoder.conv{n}.weight": (outputs, inputs, 3, 3)}
        shapes |= _batch_norm(f"audio_encoder.bn{n}", outputs)
    inputs = width
    for stage, blocks in enumerate((2, 1, 1, 1), start=1):
        planes = width * 2 ** (stage - 1)
        for block in range(blocks):
            name = f"audio_encoder.layer{stage}.{block}"
            shapes |= {
                f"{name}.conv1.weight": (planes, inputs, 1, 1),
                f"{name}.conv2.weight": (planes, planes, 3, 3),
                f"{name}.conv3.weight": (4 * planes, planes, 1, 1),
            }
            shapes |= _batch_norm(f"{name}.bn1", planes)
            shapes |= _batch_norm(f"{name}.bn2", planes)
            shapes |= _batch_norm(f"{name}.bn3", 4 * planes)
            if block == 0:
                shapes |= {f"{name}.downsample.0.weight": (4 * planes, inputs, 1, 1)}
                shapes |= _batch_norm(f"{name}.downsample.1", 4 * planes)
            inputs = 4 * planes
    shapes |= {"audio_encoder.attn_pool.positional_embedding": (1, 32 * width)}
    for kind in "kqv":
        shapes |= _linear(f"audio_encoder.attn_pool.{kind}_proj", 32 * width, 32 * width)
    shapes |= _linear("audio_encoder.attn_pool.c_proj", 32 * width, 16)
    config = RobertaConfig(**_ROBERTA)
    text = _of(RobertaModel(config), "text_encoder.")
    shapes |= {name: shape for name, shape in text.items() if ".pooler." not in name}
    for kind in ("audio", "text"):
        shapes |= _norm(f"{kind}_projector.0", 16)
        shapes |= {f"{kind}_projector.1.weight": (8, 16)}
    shapes |= {"logit_scale": (1,), "loss_fct.logit_scale": (1,)}
    folder.mkdir(parents=True, exist_ok=True)
    state = drawn(shapes)
    torch.save({"state_dict": state}, folder / "ttmrpp_resnet_roberta.pth")
    (folder / "ttmrpp_resnet_roberta.yaml").write_text(
        "sr: 22050\nduration: 10\nn_mels: 128\nn_fft: 1024\nhop_size: 0.01\nn_heads: 8\nwidth: 4\n"
        "max_length: 128\ntext_arch: roberta-base\n"
    )
    _roberta(folder / "roberta-base", config)
    return folder


def msclap(folder: Path) -> Path:
    width, dim = 8, 8
    depths, heads = (1, 1, 1, 1), (1, 1, 2, 2)
    base = "audio_encoder.base.htsat"
    shapes: Shapes = _batch_norm(f"{base}.bn0", 64)
    shapes |= {f"{base}.patch_embed.proj.weight": (width, 1, 4, 4)}
    shapes |= {f"{base}.patch_embed.proj.bias": (width,)}
    shapes |= _norm(f"{base}.patch_embed.norm", width)
    for n, (depth, head) in enumerate(zip(depths, heads, strict=True)):
        size = width * 2**n
        for k in range(depth):
            name = f"{base}.layers.{n}.blocks.{k}"
            shapes |= _norm(f"{name}.norm1", size) | _norm(f"{name}.norm2", size)
            shapes |= {f"{name}.attn.relative_position_bias_table": (225, head)}
            shapes |= _linear(f"{name}.attn.qkv", size, 3 * size)
            shapes |= _linear(f"{name}.attn.proj", size, size)
            shapes |= _linear(f"{name}.mlp.fc1", size, 4 * size)
            shapes |= _linear(f"{name}.mlp.fc2", 4 * size, size)
        if n < len(depths) - 1:
            shapes |= {f"{base}.layers.{n}.downsample.reduction.weight": (2 * size, 4 * size)}
            shapes |= _norm(f"{base}.layers.{n}.downsample.norm", 4 * size)
    last = width * 8
    shapes |= _norm(f"{base}.norm", last)
    shapes |= {f"{base}.tscam_conv.weight": (5, last, 2, 3), f"{base}.tscam_conv.bias": (5,)}
    shapes |= _linear(f"{base}.head", 5, 5)
    config = GPT2Config(vocab_size=WORDS, n_embd=16, n_layer=1, n_head=2, n_positions=80)
    shapes |= _of(GPT2Model(config), "caption_encoder.base.")
    for kind, size in (("audio", last), ("caption", 16)):
        name = f"{kind}_encoder.projection"
        shapes |= {f"{name}.linear1.weight": (dim, size), f"{name}.linear2.weight": (dim, dim)}
        shapes |= _norm(f"{name}.layer_norm", dim)
    shapes |= {"logit_scale": ()}
    weights = drawn(shapes)
    for n, head in enumerate(heads):
        name = f"{base}.layers.{n}.blocks.0.attn"
        weights[f"{name}.relative_position_index"] = _relative(8)
        del head
    weights[f"{base}.logmel_extractor.melW"] = slaney()
    weights["caption_encoder.base.h.0.attn.bias"] = torch.ones(1, 1, 80, 80, dtype=torch.bool)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model": weights}, folder / "CLAP_weights_2023.pth")
    tokenizer(
        folder / "gpt2",
        config,
        special=dict.fromkeys(("!", "<|endoftext|>"), ""),
        eos_token="<|endoftext|>",
        bos_token="<|endoftext|>",
    )
    return folder


def _relative(size: int) -> torch.Tensor:
    """The row of the table for each pair of places in a window."""
    places = np.stack(np.meshgrid(*[np.arange(size)] * 2, indexing="ij")).reshape(2, -1)
    apart = places[:, :, None] - places[:, None] + size - 1
    return torch.from_numpy(apart[0] * (2 * size - 1) + apart[1])


def slaney() -> torch.Tensor:
    """Filters as the package makes them: 64 bands from 50 Hz to 14 kHz, of equal area."""
    import librosa

    rows = librosa.filters.mel(sr=32_000, n_fft=1024, n_mels=64, fmin=50, fmax=14_000)
    return torch.from_numpy(np.ascontiguousarray(rows.T, np.float32))


_CONFORMER: dict[str, Any] = {
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_depthwise_kernel_size": 5,
    "position_embeddings_type": "rotary",
    "rotary_embedding_base": 10_000,
    "hidden_act": "swish",
    "layerdrop": 0.0,
}


def muq_mulan(folder: Path, *, depth: int = 2) -> Path:
    width, channels, latents, dim = 16, 4, 8, 12
    shapes: Shapes = {}
    base = "mulan.audio.model.model"
    for n, inputs in enumerate((1, channels)):
        for k in (1, 2, 3):
            name = f"{base}.conv.conv.{n}"
            shapes |= {f"{name}.conv{k}.bias": (channels,)}
            shapes |= {f"{name}.conv{k}.weight": (channels, channels if k == 2 else inputs, 3, 3)}
            shapes |= _batch_norm(f"{name}.bn{k}", channels)
    shapes |= _linear(f"{base}.conv.linear", 32 * channels, width)
    options = _CONFORMER | {"num_hidden_layers": 2, "hidden_size": width}
    conformer: Any = Wav2Vec2ConformerEncoder
    config = Wav2Vec2ConformerConfig(**options)
    shapes |= _of(conformer(config), f"{base}.conformer.")
    shapes |= {f"{base}.cls_token": (width,)} | _linear(f"{base}.linear", width, 32)
    shapes |= {"mulan.audio.aggregator.weight": (1, 25, 1), "mulan.audio.aggregator.bias": (1,)}
    shapes |= _linear("mulan.audio.proj", width, dim)
    text = XLMRobertaConfig(**_ROBERTA)
    shapes |= _of(XLMRobertaModel(text), "mulan.text.model.")
    shapes |= _linear("mulan.text.proj", 16, dim)
    inner = int(dim * 4 * 2 / 3)
    for kind in ("audio", "text"):
        for n in range(depth):
            name = f"mulan.{kind}.transformer.layers.{n}"
            shapes |= {
                f"{name}.0.norm.learned_gamma": (dim,),
                f"{name}.0.to_q.weight": (8, dim),
                f"{name}.0.to_kv.weight": (16, dim),
                f"{name}.0.q_scale": (4,),
                f"{name}.0.k_scale": (4,),
                f"{name}.0.to_out.0.weight": (dim, 8),
                f"{name}.1.0.learned_gamma": (dim,),
                f"{name}.1.1.weight": (2 * inner, dim),
                f"{name}.1.4.weight": (dim, inner),
            }
        shapes |= _linear(f"mulan.{kind}_to_latents", dim, latents)
    shapes |= {"mulan.contrast.temperatures": (1, 1, 1)}
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(drawn(shapes), folder / "pytorch_model.bin")
    transformer = {"dim": dim, "tf_depth": depth, "heads": 2, "dim_head": 4}
    defaults = {
        "mulan": {"sr": 24000, "clip_secs": 10, "dim_latent": latents},
        "audio_model": {
            "name": "OpenMuQ/MuQ-large-msd-iter",
            "model_dim": width,
            "use_layer_idx": -1,
        },
        "text_model": {"name": "xlm-roberta-base", "model_dim": 16},
        "audio_transformer": transformer,
        "text_transformer": transformer,
    }
    (folder / "config.json").write_text(json.dumps(defaults))
    muq = {
        "label_rate": 25,
        "codebook_size": 32,
        "conv_dim": channels,
        "encoder_dim": width,
        "encoder_depth": 2,
        "stat": {"melspec_2048_mean": -10.0, "melspec_2048_std": 20.0},
        "w2v2_config": options,
    }
    (folder / "MuQ-large-msd-iter").mkdir(exist_ok=True)
    (folder / "MuQ-large-msd-iter" / "config.json").write_text(json.dumps(muq))
    _roberta(folder / "xlm-roberta-base", text)
    return folder


def clamp3(folder: Path, *, longest: int = 6) -> Path:
    width = 64
    hubert = HubertConfig(
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8, 8),
        conv_stride=(10, 32),
        conv_kernel=(10, 32),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )
    mert = drawn(_of(HubertModel(hubert), ""))
    names = {"parametrizations.weight.original0": "weight_g"}
    names |= {"parametrizations.weight.original1": "weight_v"}
    for new, old in names.items():
        mert = {name.replace(new, old): value for name, value in mert.items()}
    path = folder / "MERT-v1-95M"
    path.mkdir(parents=True, exist_ok=True)
    torch.save(mert, path / "pytorch_model.bin")
    defaults = hubert.to_dict() | {"model_type": "mert_model", "auto_map": {"AutoModel": "x.MERT"}}
    (path / "config.json").write_text(json.dumps(defaults))
    audio = BertConfig(
        vocab_size=1,
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=4 * width,
        max_position_embeddings=longest,
    )
    text = XLMRobertaConfig(**_ROBERTA)
    shapes = _of(BertModel(audio), "audio_model.") | _linear("audio_proj", width, 8)
    shapes |= _of(XLMRobertaModel(text), "text_model.") | _linear("text_proj", 16, 8)
    shapes |= _linear("symbolic_proj", 16, 8)
    shapes |= _linear("symbolic_model.patch_embedding", 64, 16)
    found = {"epoch": 1, "min_eval_loss": 0.5, "model": drawn(shapes), "optimizer": {}}
    torch.save(found, folder / "weights_clamp3_saas_h_size_8.pth")
    _roberta(folder / "xlm-roberta-base", text)
    return folder
