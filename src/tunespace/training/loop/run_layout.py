"""Names of files and folders in a run folder."""

RECIPE, DATA, VERSIONS, DONE = "recipe.yaml", "data.json", "versions.json", "done.json"
MANIFEST, REJECTED = "manifest.jsonl", "rejected.txt"
METRICS, CURVES = "metrics.csv", "curves.svg"
TEXT, CHECKPOINTS, MODEL = "text", "checkpoints", "model"
LAST, BEST = "last.ckpt", "best.ckpt"
