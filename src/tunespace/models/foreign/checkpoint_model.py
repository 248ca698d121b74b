"""What models share that are one file of weights and what they were built on."""

from functools import cached_property
from typing import ClassVar

from tunespace.models.foreign.base import ForeignModel
from tunespace.models.foreign.checkpoint import Weights, find_weights, read_weights


class CheckpointModel(ForeignModel):
    """A folder with one file of weights.

    Attributes:
        last_layer: Name of the weight whose rows are the dimensions of the space.
    """

    last_layer: ClassVar[str]

    @cached_property
    def weights(self) -> Weights:
        """All of them, by name."""
        return read_weights(find_weights(self.folder))

    @property
    def dim(self) -> int:
        """Of the space."""
        return int(self.weights[self.last_layer].shape[0])
