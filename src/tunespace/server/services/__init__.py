"""Shared by the routes: open libraries, clip encoding, caches and background jobs."""
