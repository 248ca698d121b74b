"""What the routes share: open libraries, clip encoding, caches, background jobs."""
