"""HTS-AT (Chen et al. 2022): load weights under the authors' names into the transformers model.

The names are those of the authors' code, which LAION-CLAP and MS-CLAP share. Sizes are taken from
the shapes of the weights.
"""

import re
from typing import Any

from torch import Tensor

from tunespace.models.foreign.checkpoint import Weights, fill

_NAMES = (
    (r"^bn0\.", "batch_norm."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.relative", ".attention.self.relative"),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)


def htsat(weights: Weights) -> Any:  # noqa: ANN401 - transformers' model
    """Build an audio encoder with given weights.

    Args:
        weights: Weights under the authors' names.

    Raises:
        ModelError: Weights are missing.
    """
    from transformers import ClapAudioConfig
    from transformers.models.clap.modeling_clap import ClapAudioEncoder

    stages = weights.count(r"layers\.(\d+)\.")
    depths = [weights.count(rf"layers\.{n}\.blocks\.(\d+)\.") for n in range(stages)]
    tables = [
        weights[f"layers.{n}.blocks.0.attn.relative_position_bias_table"]
        for n in range(len(depths))
    ]
    width = int(weights["patch_embed.proj.weight"].shape[0])
    config = ClapAudioConfig(
        patch_embeds_hidden_size=width,
        hidden_size=width * 2 ** (len(depths) - 1),
        depths=depths,
        num_hidden_layers=len(depths),
        num_attention_heads=[int(table.shape[1]) for table in tables],
        window_size=(round(tables[0].shape[0] ** 0.5) + 1) // 2,
        num_mel_bins=int(weights["bn0.weight"].shape[0]),
    )
    builder: Any = ClapAudioEncoder
    encoder = builder(config)
    fill(encoder, _renamed(weights))
    return encoder


def _renamed(weights: Weights) -> Weights:
    renamed: dict[str, Tensor] = {}
    for name, value in weights.items():
        if match := re.match(r"(.*)\.attn\.qkv\.(weight|bias)$", name):
            for kind, rows in zip(("query", "key", "value"), value.chunk(3), strict=True):
                renamed[f"{match[1]}.attention.self.{kind}.{match[2]}"] = rows
            continue
        for old, new in _NAMES:
            name = re.sub(old, new, name)
        renamed[name] = value
    return Weights(renamed, weights.where)
