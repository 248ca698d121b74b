"""Compare two models on a table of clips, and write the comparison as JSON.

Usage: ``python examples/evaluate_models.py MANIFEST MODEL MODEL``
"""

import json
import sys
from pathlib import Path

from tunespace.evaluation import compare, load_data
from tunespace.models import load_joint_model


def main() -> None:
    """Print the figures of each protocol with their intervals and chance levels."""
    data, *names = sys.argv[1:]
    manifest, protocols = load_data(data)
    models = [load_joint_model(name) for name in names]
    comparison = compare(models, manifest, protocols, cache=None)
    for row in comparison.rows:
        values = ", ".join(f"{v.value:.3f} ({v.low:.3f}-{v.high:.3f})" for v in row.values)
        print(f"{row.protocol}, {row.figure}: {values}; chance {row.chance}")
    Path("comparison.json").write_text(json.dumps(comparison.as_json(), indent=1) + "\n")


if __name__ == "__main__":
    main()
