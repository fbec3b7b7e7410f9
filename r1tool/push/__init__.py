"""A finished dataset: Parquet, the dataset card, the Hub."""
