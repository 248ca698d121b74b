"""From a manifest to batches: spectrograms on disk, splits, and what is drawn when."""
