"""A model is a folder: load it, run it.

Two towers in ONNX, run by ONNX Runtime; where the model has a lexicon, a query is read twice, term
by term and as a sentence.
"""

from tunespace.models.config import ModelConfig
from tunespace.models.joint_model import JointModel, load_joint_model
from tunespace.models.model import AudioEmbedding, EmbeddedWindow, Model, load_model
from tunespace.models.registry import find_model, list_models

__all__ = [
    "AudioEmbedding",
    "EmbeddedWindow",
    "JointModel",
    "Model",
    "ModelConfig",
    "find_model",
    "list_models",
    "load_joint_model",
    "load_model",
]
