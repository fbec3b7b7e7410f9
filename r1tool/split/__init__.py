"""Which rows to keep, and where they go: one file a rule."""
