"""Which config and split of the dataset an input belongs to."""

import re
from fnmatch import fnmatch
from pathlib import PurePath
from typing import NamedTuple

from r1tool.errors import USAGE, R1Error
from r1tool.stream.names import stem

SPLITS = ("train", "test", "validation")
STDIN = "stdin"
"""What rows from stdin give as their input."""
SHARD = re.compile(r"(train|test|validation)-\d{5}-of-\d{5}\.parquet")
"""A file of a dataset on the Hub: its folder is named after its config."""
NAME = re.compile(r"[\w.-]+")


class Part(NamedTuple):
    """A split of a config."""

    config: str
    split: str

    @property
    def folder(self) -> str:
        """Where its shards lie: `data` for the default config, as the Hub's own push has it."""
        return "data" if self.config == "default" else self.config


def part_of(source: str | None, given: list[tuple[Part, str]]) -> Part | None:
    """The part of an input by its name: the first of the --config globs that fits, None if none of them does.

    Without globs, its file name without suffixes and shard number (-00001, -00000-of-00002); `train`, `test` and
    `validation` are splits of `default`, or of the config whose folder they are in if they are a dataset's shards;
    stdin is the `train` of `default`.
    """
    if given:
        return next((part for part, pattern in given if source is not None and _fits(source, pattern)), None)
    path = PurePath(source or STDIN)
    if path.name == STDIN:
        return Part("default", "train")
    if (shard := SHARD.fullmatch(path.name)) and path.parent.name not in ("", "data"):
        return Part(path.parent.name, shard[1])
    unnumbered = re.sub(r"[-_.](\d+-of-\d+|0\d+|\d{5,})$", "", stem(path.name))
    name = "_".join(NAME.findall(unnumbered)) or "default"
    return Part("default", name) if name in SPLITS else Part("data_" if name == "data" else name, "train")


def parse_config(text: str) -> tuple[Part, str]:
    """`NAME=GLOB` or `NAME/SPLIT=GLOB`. Raises R1Error."""
    name, equals, pattern = text.partition("=")
    config, slash, split = name.partition("/")
    if not equals or not pattern or not NAME.fullmatch(config) or (slash and not NAME.fullmatch(split)):
        raise R1Error(f"--config {text}: give NAME=GLOB or NAME/SPLIT=GLOB", USAGE)
    if config == "data":
        raise R1Error("--config data: this name is reserved for the folder of 'default'; choose another", USAGE)
    return Part(config, split or "train"), pattern


def _fits(source: str, pattern: str) -> bool:
    return fnmatch(source, pattern) or fnmatch(PurePath(source).name, pattern)
