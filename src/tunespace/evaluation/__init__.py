"""Evaluation of models: metrics, protocols, data sets, reports. Needs numpy, not torch.

model + data set + protocol -> similarities -> metrics with confidence intervals -> report.
"""

from tunespace.data.manifest import Item, Manifest, load_manifest, with_audio
from tunespace.evaluation.comparison import Comparison, compare
from tunespace.evaluation.datasets import DATASETS, load_data
from tunespace.evaluation.evaluate import evaluate
from tunespace.evaluation.leakage import Overlap, overlap
from tunespace.evaluation.report import Report

__all__ = [
    "DATASETS",
    "Comparison",
    "Item",
    "Manifest",
    "Overlap",
    "Report",
    "compare",
    "evaluate",
    "load_data",
    "load_manifest",
    "overlap",
    "with_audio",
]
