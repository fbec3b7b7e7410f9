"""All that r1tool knows of one engine, one file each."""
