"""What is said about a clip in training, and what is wrongly said of it."""

from tunespace.training.texts.corpus import corpus, general, musical
from tunespace.training.texts.hard import Surroundings, mislead
from tunespace.training.texts.saying import Said, missing, query, say
from tunespace.training.texts.speaker import Speaker

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
