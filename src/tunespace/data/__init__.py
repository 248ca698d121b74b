"""Manifests, their tables and splits: the input of training and evaluation."""
