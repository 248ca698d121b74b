"""What is said about a clip in training, and what is wrongly said of it."""

from tunespace.training.captions.caption_sampler import Speaker
from tunespace.training.captions.corpus import corpus, general, musical
from tunespace.training.captions.hard_negatives import Surroundings, mislead
from tunespace.training.captions.samplers import Said, missing, query, say

__all__ = [
    "Said",
    "Speaker",
    "Surroundings",
    "corpus",
    "general",
    "mislead",
    "missing",
    "musical",
    "query",
    "say",
]
