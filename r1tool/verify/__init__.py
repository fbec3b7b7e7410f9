"""verify: check each answer against the reference."""
