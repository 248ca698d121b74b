"""Names in the folder of a run."""

RECIPE, DATA, VERSIONS, DONE = "recipe.yaml", "data.json", "versions.json", "done.json"
MANIFEST, REJECTED, METRICS = "manifest.jsonl", "rejected.txt", "metrics.csv"
TEXT, CHECKPOINTS, MODEL = "text", "checkpoints", "model"
LAST, BEST = "last.ckpt", "best.ckpt"
