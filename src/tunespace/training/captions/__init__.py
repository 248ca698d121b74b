"""Training captions of a clip, and hard negatives."""

from tunespace.training.captions.caption_sampler import CaptionSampler
from tunespace.training.captions.corpus import corpus, lexicon_texts, shuffled_metadata_texts
from tunespace.training.captions.hard_negatives import NegativePool, add_hard_negative
from tunespace.training.captions.samplers import (
    TrainingText,
    sample_text,
    unmet_requirement,
    validation_text,
)

__all__ = [
    "CaptionSampler",
    "NegativePool",
    "TrainingText",
    "add_hard_negative",
    "corpus",
    "lexicon_texts",
    "sample_text",
    "shuffled_metadata_texts",
    "unmet_requirement",
    "validation_text",
]
