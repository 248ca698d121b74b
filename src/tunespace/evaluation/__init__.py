"""Judging models: metrics, protocols, data sets, reports. Needs numpy, no torch."""
