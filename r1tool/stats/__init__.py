"""What stats counts, and how it is shown."""
