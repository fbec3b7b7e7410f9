"""The names of files that hold rows: their suffixes and their natural order."""

import re

SUFFIXES = (".jsonl", ".jsonl.zst", ".jsonl.gz", ".parquet")
"""Of the files that a folder or a dataset is read for; a file named outright may have any."""
PIECES = (*dict.fromkeys(f".{piece}" for suffix in SUFFIXES for piece in suffix[1:].split(".")), ".json")


def stem(name: str) -> str:
    """`name` without all of its suffixes: `a.b.jsonl.zst` is `a.b`."""
    while name.endswith(PIECES):
        name = name.rpartition(".")[0]
    return name


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key by which part-2 comes before part-10."""
    return [
        (0, int(piece), piece) if piece.isdecimal() else (1, 0, piece) for piece in re.split(r"(\d+)", text) if piece
    ]
