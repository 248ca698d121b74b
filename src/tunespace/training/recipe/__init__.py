"""Recipes: their schema, the catalogue of built-in ones, fine-tuning of a model folder."""
