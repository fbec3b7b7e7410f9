"""What a row is: its columns and their types, the aliases of other datasets, the think tags, the ids."""
