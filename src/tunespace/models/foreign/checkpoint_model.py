"""Base class of models that consist of one file of weights and folders of pretrained encoders."""

from functools import cached_property
from typing import ClassVar

from tunespace.models.foreign.base import ForeignModel
from tunespace.models.foreign.checkpoint import Weights, find_weights, read_weights


class CheckpointModel(ForeignModel):
    """Folder with one file of weights.

    Attributes:
        last_layer: Name of the weight whose rows are the dimensions of the space.
    """

    last_layer: ClassVar[str]

    @cached_property
    def weights(self) -> Weights:
        """All weights, by name."""
        return read_weights(find_weights(self.folder))

    @property
    def dim(self) -> int:
        """Dimension of the embedding space."""
        return int(self.weights[self.last_layer].shape[0])
