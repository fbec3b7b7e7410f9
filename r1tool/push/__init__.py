"""A finished data set: Parquet, the dataset card, the Hub."""
