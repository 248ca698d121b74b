"""Indexing: scan folders, read tags, embed files, write the store."""
