"""Asking a model for several generations of each problem, and losing none."""
