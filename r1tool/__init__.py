"""r1tool: make R1-style reasoning data with Unix-style commands."""

__version__ = "0.1.0"
