"""Checkpoints of other projects in their published formats, to compare with.

Needs the extra ``foreign``: torch and transformers. Weights are read from safetensors, or by
``torch.load`` with ``weights_only``; never unpickled.
"""

from tunespace.models.foreign.base import ForeignModel
from tunespace.models.foreign.load import load_foreign

__all__ = ["ForeignModel", "load_foreign"]
