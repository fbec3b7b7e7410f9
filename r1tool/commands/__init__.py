"""One file a subcommand, each in the same order: HELP, then run() with the command's options; the work is elsewhere.

Imports inside a function are there for start-up: --help and a short run must not wait for what they do not use.
"""
