"""Convolutional towers without residual connections, and the short-chunk ResNet."""

from torch import Tensor, nn

from tunespace.training.recipe import config

_LAYERS = 7


class Conv1d(nn.Module):
    """Bands are channels: three convolutions with pooling by four, one by two, one linear layer.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> tower = Conv1d(config.Conv1dConfig(channels=4, width=16), n_mels=16)
        >>> tower(torch.zeros(2, 64, 16)).shape
        torch.Size([2, 16])
    """

    def __init__(self, settings: config.Conv1dConfig, n_mels: int) -> None:
        """Build the network."""
        super().__init__()
        layers: list[nn.Module] = []
        channels = n_mels
        for kernel, pool in ((4, 4), (4, 4), (4, 4), (2, 2)):
            layers += [
                nn.Conv1d(channels, settings.channels, kernel, padding=kernel // 2),
                nn.ReLU(),
                # The last frame is used too, and a short clip is not pooled to nothing.
                nn.MaxPool1d(pool, ceil_mode=True),
            ]
            channels = settings.channels
        self.layers = nn.Sequential(*layers, nn.Conv1d(channels, settings.width, 1))
        for layer in self.layers:
            if isinstance(layer, nn.Conv1d):
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, n_mels)`` to ``(batch, width)``, the mean over time."""
        output: Tensor = self.layers(log_mel.transpose(1, 2)).mean(2)
        return output


class Conv2d(nn.Module):
    """Seven 3x3 convolutions with pooling by two, a 1x1 convolution, global max pooling.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> tower = Conv2d(config.Conv2dConfig(channels=4, width=16))
        >>> tower(torch.zeros(2, 64, 16)).shape
        torch.Size([2, 16])
    """

    def __init__(self, settings: config.Conv2dConfig) -> None:
        """Build the network."""
        super().__init__()
        layers: list[nn.Module] = [nn.BatchNorm2d(1)]
        channels = 1
        for n in range(_LAYERS):
            wider = settings.channels * (1 if n < 2 else 2 if n < _LAYERS - 1 else 4)
            layers += [
                nn.Conv2d(channels, wider, 3, padding=1, bias=False),
                nn.BatchNorm2d(wider),
                nn.ReLU(),
                nn.MaxPool2d(2, ceil_mode=True),
            ]
            channels = wider
        last = [nn.Conv2d(channels, settings.width, 1), nn.BatchNorm2d(settings.width), nn.ReLU()]
        self.layers = nn.Sequential(*layers, *last)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, n_mels)`` to ``(batch, width)``."""
        output: Tensor = self.layers(log_mel.transpose(1, 2).unsqueeze(1)).amax((2, 3))
        return output


class ShortChunk(nn.Module):
    """Seven residual blocks of two 3x3 convolutions, each with a stride of two.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> tower = ShortChunk(config.ShortChunkConfig(channels=4, width=16))
        >>> tower(torch.zeros(2, 64, 16)).shape
        torch.Size([2, 16])
    """

    def __init__(self, settings: config.ShortChunkConfig) -> None:
        """Build the network."""
        super().__init__()
        channels = [1] + [settings.channels * (1 if n < 2 else 2) for n in range(_LAYERS)]
        self.norm = nn.BatchNorm2d(1)
        self.blocks = nn.Sequential(*map(_Block, channels[:-1], channels[1:]))
        self.last = nn.Linear(channels[-1], settings.width)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, n_mels)`` to ``(batch, width)``."""
        x = self.blocks(self.norm(log_mel.transpose(1, 2).unsqueeze(1)))
        output: Tensor = self.last(x.amax((2, 3)))
        return output


class _Block(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(before, after, 3, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(before, after, 1, 2, bias=False), nn.BatchNorm2d(after)
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x) + self.shortcut(x)
        return y.relu()
