"""Models as folders: load and run them.

Two towers in ONNX, run by ONNX Runtime. If a model has a lexicon, a query is embedded twice, by its
lexicon terms and as a sentence.
"""

from tunespace.models.config import ModelConfig
from tunespace.models.foreign.load import load_joint_model
from tunespace.models.joint_model import JointModel
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
