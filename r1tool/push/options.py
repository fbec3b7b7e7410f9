"""What is published beside the rows, and how they are laid out."""

from dataclasses import dataclass, field
from typing import Annotated

from r1tool.option import Option
from r1tool.push.recipes import RECIPES


@dataclass(frozen=True)
class PushOptions:
    """`config` holds NAME=GLOB or NAME/SPLIT=GLOB; `card` None leaves a README.md that somebody has written."""

    config: Annotated[
        list[str],
        Option("--config", metavar="NAME=GLOB", help="Inputs of a config, or NAME/SPLIT=GLOB; repeatable."),
    ] = field(default_factory=list)
    private: Annotated[bool, Option("--private", help="Make the dataset on the Hub private.")] = False
    card: Annotated[
        bool | None, Option("--card/--no-card", help="Write the dataset card, README.md.", show_default=False)
    ] = None
    recipe: Annotated[
        list[str],
        Option("--recipe", metavar="|".join(RECIPES), help="Add a training configuration for TRL; repeatable."),
    ] = field(default_factory=list)
    max_shard_size: Annotated[
        str, Option("--max-shard-size", metavar="SIZE", help="Largest size of one Parquet file.")
    ] = "500MB"
    dry_run: Annotated[bool, Option("--dry-run", help="Print the card and write nothing.")] = False
