"""Concept space: audible concepts computed from the outputs of taggers.

A concept is what several taggers represent by several tags, on one scale: how much stronger it is
than in the music that the statistics were computed on. Everything is linear in the taggers' logits,
so that the whole map from logits to concepts is one matrix.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

# Data set whose tags a tagger predicts, by the beginning of its name.
_DATA_SETS = {
    "jamendo-": "jamendo",
    "msd-": "msd",
    "pons-msd-": "msd",
    "mtat-": "mtat",
    "pons-mtt-": "mtat",
}


@dataclass(frozen=True)
class ConceptSpace:
    """Linear map from logits to concepts.

    Attributes:
        names: Names of the concepts, in order.
        mean: ``(outputs,)`` float32 mean of each logit over the music.
        std: ``(outputs,)`` float32 standard deviation of each logit.
        weights: ``(outputs, concepts)`` float32, from standardised logits.
    """

    names: tuple[str, ...]
    mean: npt.NDArray[np.float32]
    std: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]

    def standardised(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return ``(segments, outputs)`` logits on the scale that a student is trained on."""
        return (logits - self.mean) / self.std

    def concepts(self, standardised: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map ``(segments, outputs)`` standardised logits to ``(segments, concepts)``."""
        return standardised @ self.weights


def fit_concept_space(
    logits: dict[str, npt.NDArray[np.float32]], tags: Path, concepts: Path
) -> ConceptSpace:
    """Compute the statistics of the space over a collection.

    Args:
        logits: ``(segments, tags)`` float32 by tagger.
        tags: JSON file with the tags of each data set, in the order of the outputs.
        concepts: JSON file with the ``tags`` of each concept by data set, or the weights of the
            concepts that it is made ``of``. A concept with neither is not predicted by taggers, and
            stays 0.

    Raises:
        ValueError: The tags of a tagger are unknown, or a concept has an unknown tag.
    """
    vocabularies = json.loads(tags.read_text(encoding="utf-8"))
    definitions = json.loads(concepts.read_text(encoding="utf-8"))
    columns: list[tuple[str, str]] = []
    for tagger, values in logits.items():
        data_set = _data_set(tagger)
        if len(vocabularies[data_set]) != values.shape[1]:
            raise ValueError(f"{tagger} has {values.shape[1]} outputs, {data_set} other tags")
        columns += [(data_set, tag) for tag in vocabularies[data_set]]
    joined = np.concatenate(list(logits.values()), axis=1).astype(np.float64)
    mean, std = joined.mean(axis=0), joined.std(axis=0)
    z = (joined - mean) / std

    names = tuple(definitions)
    weights = np.zeros((len(columns), len(names)))
    for index, name in enumerate(names):
        wanted = definitions[name].get("tags", {})
        for data_set, some in wanted.items():
            if unknown := set(some) - set(vocabularies[data_set]):
                raise ValueError(f"concept {name}: {data_set} has no tag {sorted(unknown)}")
        matching = [column for column, (d, t) in enumerate(columns) if t in wanted.get(d, ())]
        if matching:
            weights[matching, index] = 1 / len(matching)
            weights[:, index] /= (z @ weights[:, index]).std()
    for index, name in enumerate(names):
        for part, weight in definitions[name].get("of", {}).items():
            weights[:, index] += weight * weights[:, names.index(part)]
        if "of" in definitions[name]:
            weights[:, index] /= (z @ weights[:, index]).std()
    # No bias: standardised logits have mean 0 over this music, and so have their weighted sums.
    return ConceptSpace(names, *(array.astype(np.float32) for array in (mean, std, weights)))


def _data_set(tagger: str) -> str:
    for beginning, data_set in _DATA_SETS.items():
        if tagger.startswith(beginning):
            return data_set
    raise ValueError(f"{tagger}: unknown tags; known taggers begin with {', '.join(_DATA_SETS)}")
