"""One file a subcommand, each in the same order: help, options, run(), helpers."""
