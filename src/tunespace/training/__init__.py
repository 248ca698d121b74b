"""Making models: recipes, towers, losses, data, loops, export. Needs the extra `train`."""
