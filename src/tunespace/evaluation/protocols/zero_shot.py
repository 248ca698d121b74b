"""Zero-shot classification: the class whose text is nearest to the clip is predicted.

Accuracy depends on the prompt more than on most other choices (GTZAN: .47 to .72 for one
checkpoint), so the figure of every prompt is reported, with the best, their mean, and that of the
ensemble: the mean of a class's texts over all prompts (Radford et al. 2021, section 3.1.4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunespace.data.manifest import Item
from tunespace.evaluation.metrics.bootstrap import figure
from tunespace.evaluation.metrics.classification import accuracy
from tunespace.evaluation.protocols.base import Protocol, ProtocolInput, ProtocolResult, cosines

PROMPTS = ("{}", "{} music", "this sounds like {}", "A {} track", "This audio is a {} song.")


@dataclass(frozen=True, kw_only=True)
class ZeroShot(Protocol):
    """Classification by the texts of the classes.

    Attributes:
        label: Name of the label.
        prompts: Prompts; ``accuracy`` is that of the first.
        words: Words of classes that are not named by their text.

    Examples:
        >>> protocol = ZeroShot(label="mood", prompts=("{} music",))
        >>> protocol.unmet_requirement([Item("1", labels={"genre": "jazz"})])
        "no clip carries the label 'mood'; labels are genre"
    """

    kind: ClassVar[str] = "zero-shot classification"

    name: str = "zero-shot"
    label: str = "genre"
    prompts: tuple[str, ...] = PROMPTS
    words: tuple[tuple[str, str], ...] = ()

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what is missing: the label."""
        classes = {item.labels.get(self.label, "") for item in items} - {""}
        if not classes:
            known = sorted({label for item in items for label in item.labels})
            return (
                f"no clip carries the label {self.label!r}; labels are {', '.join(known) or 'none'}"
            )
        return "" if len(classes) > 1 else f"there are no two classes of {self.label!r}"

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Return the accuracy by prompt, also after subtracting the mean of the collection."""
        rows = [n for n, item in enumerate(inputs.items) if item.labels.get(self.label)]
        labels = [inputs.items[n].labels[self.label] for n in rows]
        classes = sorted(set(labels))
        truth = np.array([classes.index(label) for label in labels])
        vectors = inputs.vectors[rows]
        centred = vectors - vectors.mean(axis=0)
        words = dict(self.words)
        texts = [
            inputs.texts([prompt.replace("{}", words.get(c, c)) for c in classes])
            for prompt in self.prompts
        ]
        right = [accuracy(cosines(vectors, text), truth) for text in texts]
        ensemble = np.mean(texts, axis=0)
        ensemble /= np.maximum(np.linalg.norm(ensemble, axis=1, keepdims=True), 1e-12)
        best = int(np.argmax([r.mean() for r in right]))
        values = {
            "accuracy": right[0],
            "accuracy, collection's mean taken out": accuracy(cosines(centred, texts[0]), truth),
            "accuracy of the ensemble of prompts": accuracy(cosines(vectors, ensemble), truth),
            "accuracy, mean over prompts": np.mean(right, axis=0),
            "accuracy of the best prompt": right[best],
        }
        counts = np.bincount(truth, minlength=len(classes))
        return ProtocolResult(
            {
                name: figure(value, unit="tracks", seed=inputs.seed)
                for name, value in values.items()
            },
            dict.fromkeys(values, float(counts.max() / counts.sum())),
            {
                "prompts": [
                    {"prompt": prompt, "accuracy": round(float(r.mean()), 4)}
                    for prompt, r in zip(self.prompts, right, strict=True)
                ],
                "classes": [
                    {
                        "class": name,
                        "clips": int(counts[k]),
                        "recall": round(float(right[0][truth == k].mean()), 4),
                    }
                    for k, name in enumerate(classes)
                ],
            },
            {"tracks": len(rows), "classes": len(classes), "chance_is": "the largest class"},
        )
