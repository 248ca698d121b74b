"""A space of audible concepts, made from what taggers say.

A concept is what several taggers call by several tags, on one scale: how much stronger it is than
in the music that the statistics come from. Everything is linear in the taggers' logits, so that
the whole way from logits to concepts is one matrix.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

# Which data set's tags a tagger speaks in, by how its name begins.
_DATA_SETS = {
    "jamendo-": "jamendo",
    "msd-": "msd",
    "pons-msd-": "msd",
    "mtat-": "mtat",
    "pons-mtt-": "mtat",
}


@dataclass(frozen=True)
class ConceptSpace:
    """How logits become concepts.

    Attributes:
        names: Of the concepts, in order.
        mean: ``(outputs,)`` float32, of each logit over the music of the statistics.
        std: ``(outputs,)`` float32.
        weights: ``(outputs, concepts)`` float32, from standardised logits.
    """

    names: tuple[str, ...]
    mean: npt.NDArray[np.float32]
    std: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]

    def standardised(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """``(segments, outputs)`` logits on the scale that a student learns."""
        return (logits - self.mean) / self.std

    def concepts(self, standardised: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """``(segments, outputs)`` standardised logits as ``(segments, concepts)``."""
        return standardised @ self.weights


def fit_concept_space(
    logits: dict[str, npt.NDArray[np.float32]], tags: Path, concepts: Path
) -> ConceptSpace:
    """Freezes the space on what taggers say about a collection.

    Args:
        logits: By tagger, ``(segments, tags)`` float32.
        tags: JSON, by data set the tags in the order of the outputs.
        concepts: JSON, by concept its ``tags`` by data set, or the weights of the concepts that it
            is made ``of``. A concept with neither is nothing that taggers hear, and stays 0.

    Raises:
        ValueError: A tagger speaks in no known tags, or a concept has a tag that is none.
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
    # No bias: standardised logits have mean 0 over this music, so their weighted sums have as well.
    return ConceptSpace(names, *(array.astype(np.float32) for array in (mean, std, weights)))


def _data_set(tagger: str) -> str:
    for beginning, data_set in _DATA_SETS.items():
        if tagger.startswith(beginning):
            return data_set
    raise ValueError(f"{tagger}: unknown tags; known taggers begin with {', '.join(_DATA_SETS)}")
