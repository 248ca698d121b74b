"""Image networks over spectrograms, from transformers: ResNet, AST, HTS-AT.

Weights can come from a folder or the hub; a stem for three colours is reduced to one by adding up
its filters.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.errors import TrainingError
from tunespace.training.recipe import config
from tunespace.training.towers.pretrained import load_network, load_pretrained, require_heads


class ResNet(nn.Module):
    """ResNet with bottlenecks and mean or attention pooling.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> settings = config.ResNetConfig(channels=8, depths=[1, 1, 1, 1], heads=2)
        >>> tower = ResNet(settings, n_mels=16, frames=64)
        >>> tower(torch.zeros(2, 64, 16)).shape
        torch.Size([2, 256])
    """

    def __init__(self, settings: config.ResNetConfig, n_mels: int, frames: int) -> None:
        """Build the network for crops of ``frames``.

        Raises:
            TrainingError: Pretrained weights cannot be read, or sizes do not match.
        """
        super().__init__()
        from transformers import ResNetConfig, ResNetModel

        builder: Any = ResNetModel
        if settings.pretrained:
            network = load_network(builder, settings.pretrained, "audio_tower.pretrained")
            _in_one_colour(network.embedder.embedder.convolution)
            network.embedder.num_channels = network.config.num_channels = 1
        else:
            sizes = [settings.channels * 4 * 2**n for n in range(4)]
            network = builder(
                ResNetConfig(
                    num_channels=1,
                    embedding_size=settings.channels,
                    hidden_sizes=sizes,
                    depths=settings.depths,
                    layer_type="bottleneck",
                )
            )
        self.network = network
        self.width = int(network.config.hidden_sizes[-1])
        self.pool: nn.Module | None = None
        if settings.pooling == "attention":
            require_heads("audio", self.width, settings.heads)
            places = _halved(n_mels) * _halved(frames)
            self.pool = AttentionPool(self.width, settings.heads, places)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, n_mels)`` to ``(batch, width)``."""
        picture = log_mel.transpose(1, 2).unsqueeze(1)
        places: Tensor = self.network(picture).last_hidden_state.flatten(2).transpose(1, 2)
        if self.pool is None:
            return places.mean(1)
        pooled: Tensor = self.pool(places)
        return pooled


class AttentionPool(nn.Module):
    """Attention pooling whose query is the mean (CLIP, Radford et al. 2021, section 2.4)."""

    def __init__(self, width: int, heads: int, places: int) -> None:
        """Take the number of positions, each of which has a positional embedding."""
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, places + 1, width) * width**-0.5)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, places: Tensor) -> Tensor:
        """Map ``(batch, places, width)`` to ``(batch, width)``."""
        tokens = torch.cat([places.mean(1, keepdim=True), places], dim=1) + self.positions
        pooled: Tensor = self.attention(tokens[:, :1], tokens, tokens, need_weights=False)[0]
        return pooled[:, 0]


class Ast(nn.Module):
    """Audio spectrogram transformer: mean of its two first tokens.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> tower = Ast(config.AstConfig(width=16, layers=1, heads=2), n_mels=16, frames=64)
        >>> tower(torch.zeros(2, 64, 16)).shape
        torch.Size([2, 16])
    """

    def __init__(self, settings: config.AstConfig, n_mels: int, frames: int) -> None:
        """Build the network for crops of ``frames``.

        Raises:
            TrainingError: Pretrained weights cannot be read, or sizes do not match.
        """
        super().__init__()
        from transformers import ASTConfig, ASTModel

        builder: Any = ASTModel
        if settings.pretrained:
            self.network = load_network(builder, settings.pretrained, "audio_tower.pretrained")
            config = self.network.config
            if (config.num_mel_bins, config.max_length) != (n_mels, frames):
                raise TrainingError(
                    f"audio_tower.pretrained: it reads {config.num_mel_bins} bands and "
                    f"{config.max_length} frames, the recipe has {n_mels} and {frames}"
                )
        else:
            require_heads("audio", settings.width, settings.heads)
            if min(n_mels, frames) < settings.patch:
                raise TrainingError(
                    f"audio_tower: a patch ({settings.patch}) must fit into {n_mels} bands and "
                    f"{frames} frames"
                )
            self.network = builder(
                ASTConfig(
                    hidden_size=settings.width,
                    num_hidden_layers=settings.layers,
                    num_attention_heads=settings.heads,
                    intermediate_size=4 * settings.width,
                    hidden_dropout_prob=settings.dropout,
                    patch_size=settings.patch,
                    frequency_stride=settings.stride,
                    time_stride=settings.stride,
                    num_mel_bins=n_mels,
                    max_length=frames,
                )
            )
        self.width = int(self.network.config.hidden_size)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, n_mels)`` to ``(batch, width)``."""
        pooled: Tensor = self.network(log_mel).pooler_output
        return pooled


class Htsat(nn.Module):
    """HTS-AT as in LAION-CLAP; with fusion it reads a long clip as a whole and in three pieces.

    The whole is the input, shortened to one window; the pieces are one window each, from the first,
    second and last third: at random in training, in the middle of each third otherwise, so that a
    file always gives the same embedding.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> settings = config.HtsatConfig(width=8, heads=[1, 1, 1, 1], side=128, window=2)
        >>> tower = Htsat(settings, n_mels=32, frames=512)
        >>> tower(torch.zeros(2, 512, 32)).shape
        torch.Size([2, 64])
    """

    def __init__(self, settings: config.HtsatConfig, n_mels: int, frames: int) -> None:
        """Build the network for crops of ``frames``.

        Raises:
            TrainingError: Pretrained weights cannot be read, or sizes do not match.
        """
        super().__init__()
        from transformers import ClapAudioConfig, ClapAudioModel

        network: Any
        if settings.pretrained:
            network = _load_clap_audio(settings.pretrained)
        else:
            network = ClapAudioModel(
                ClapAudioConfig(
                    patch_embeds_hidden_size=settings.width,
                    hidden_size=8 * settings.width,
                    depths=settings.depths,
                    num_hidden_layers=4,
                    num_attention_heads=settings.heads,
                    spec_size=settings.side,
                    window_size=settings.window,
                    num_mel_bins=n_mels,
                    enable_fusion=settings.fusion,
                )
            )
        config = network.config
        self.longest = config.spec_size * config.spec_size // config.num_mel_bins
        if config.num_mel_bins != n_mels or config.spec_size % n_mels or n_mels % 32:
            raise TrainingError(
                f"audio_tower: n_mels ({n_mels}) must be a multiple of 32, and side "
                f"({config.spec_size}) one of n_mels"
            )
        if not settings.fusion and frames > self.longest:
            raise TrainingError(
                f"audio_tower: a crop of {frames} frames is longer than the window of "
                f"{self.longest}: lower seconds, or set audio_tower.fusion"
            )
        self.encoder = network.audio_encoder
        self.fusion = bool(settings.fusion)
        if self.fusion:
            self.encoder.patch_embed = _Fused(self.encoder.patch_embed)
        self.width = int(config.hidden_size)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, n_mels)`` to ``(batch, width)``."""
        if self.fusion:
            pieces = self._pieces(log_mel)
            longer = torch.ones(log_mel.shape[0], 1, dtype=torch.bool, device=log_mel.device)
            pooled: Tensor = self.encoder(pieces, is_longer=longer).pooler_output
        else:
            pooled = self.encoder(log_mel.unsqueeze(1)).pooler_output
        return pooled.flatten(1)

    def _pieces(self, log_mel: Tensor) -> Tensor:
        """Return ``(batch, 4, longest, n_mels)``: the whole, and a piece of each third."""
        frames, length = log_mel.shape[1], self.longest
        if frames <= length:
            return log_mel.unsqueeze(1).expand(-1, 4, -1, -1)
        whole = functional.interpolate(
            log_mel.transpose(1, 2), size=length, mode="linear", align_corners=False
        ).transpose(1, 2)
        latest = frames - length
        crops = [whole]
        for third in range(3):
            low, high = third * latest // 3, (third + 1) * latest // 3
            first = (low + high) // 2
            if self.training:
                first = int(torch.randint(low, high + 1, ()))
            crops.append(log_mel[:, first : first + length])
        return torch.stack(crops, dim=1)


def _load_clap_audio(name: str) -> Any:  # noqa: ANN401 - transformers has no types
    """Load the audio network of a CLAP, which is published as a part of it or alone."""
    from transformers import AutoConfig, ClapAudioModel, ClapModel

    key = "audio_tower.pretrained"
    if load_pretrained(AutoConfig, name, key).model_type == "clap":
        return load_network(ClapModel, name, key).audio_model
    return load_network(ClapAudioModel, name, key)


class _Fused(nn.Module):
    """Patch embedding of transformers' CLAP with fusion, for clips longer than a window.

    The original looks up the longer clips of a batch, which an exported graph cannot.
    """

    def __init__(self, patches: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.patches = patches

    def forward(self, pieces: Tensor, _longer: Tensor | None = None) -> Tensor:
        own = self.patches
        whole = own.proj(pieces[:, :1])
        batch, height, width = whole.shape[0], whole.shape[-2], whole.shape[-1]
        thirds = own.mel_conv2d(pieces[:, 1:].flatten(0, 1).unsqueeze(1))
        features, narrow = thirds.shape[1], thirds.shape[-1]
        thirds = thirds.reshape(batch, 3, features, height, narrow).permute(0, 2, 3, 1, 4)
        thirds = thirds.reshape(batch, features, height, 3 * narrow)
        if 3 * narrow < width:
            thirds = functional.pad(thirds, (0, width - 3 * narrow))
        fused = own.fusion_model(whole, thirds[..., :width])
        fused = fused.flatten(2).transpose(1, 2) if own.flatten else fused
        normed: Tensor = own.norm(fused)
        return normed


def _halved(length: int) -> int:
    """Return the length after five strides of two."""
    for _ in range(5):
        length = -(-length // 2)
    return length


def _in_one_colour(stem: nn.Conv2d) -> None:
    stem.weight = nn.Parameter(stem.weight.detach().sum(1, keepdim=True))
    stem.in_channels = 1
