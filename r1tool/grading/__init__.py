"""Is this answer right? Extraction, fast comparers, Math-Verify behind a killable pool."""
