"""Training of models: recipes, towers, losses, data, loop, export. Needs the extra ``train``."""
