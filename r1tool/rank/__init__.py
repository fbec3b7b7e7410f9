"""Which right answer to keep: one file a scorer."""
