"""Search: resolve a query, scan the embeddings, filter, re-rank and calibrate scores."""
