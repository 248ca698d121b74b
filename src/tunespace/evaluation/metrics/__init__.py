"""Metrics of ranking and classification, with bootstrap confidence intervals."""
