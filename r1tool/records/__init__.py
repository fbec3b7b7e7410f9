"""What a row is: its columns and their types, the aliases of other data sets, the think tags, the ids."""
