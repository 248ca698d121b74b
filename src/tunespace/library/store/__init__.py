"""The SQLite store of a library and the embedding matrices derived from it."""
