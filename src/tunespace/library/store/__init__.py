"""The store of a library, and the embedding matrices derived from it.

``base.Store`` is the protocol that the rest of the library uses; ``sqlite.SqliteStore`` is its
implementation in one SQLite file. SQL appears nowhere else.
"""
