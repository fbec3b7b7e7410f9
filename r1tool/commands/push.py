"""r1tool push: publish as a data set with a card."""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from r1tool.errors import DONE, FAILED, USAGE, BadRow, R1Error
from r1tool.push import configs
from r1tool.push.card import readme
from r1tool.push.configs import part_of
from r1tool.push.options import PushOptions
from r1tool.push.parquet import parse_size
from r1tool.push.recipes import NEEDS, RECIPES, Recipe, command, file_name, recipe_text
from r1tool.push.schema import plain
from r1tool.push.survey import Survey, write_parquet
from r1tool.push.targets import HubTarget, LocalTarget, Target
from r1tool.records.report import report
from r1tool.records.tally import Summary
from r1tool.stream.options import StreamOptions
from r1tool.stream.sources import expand
from r1tool.stream.stage import Stage

HELP = """Publish rows as a data set: Parquet files, a card, and the YAML that load_dataset reads.

The last argument is the target: OWNER/NAME on the Hugging Face Hub, or a folder (./DIR, /DIR, ~/DIR, or one that
exists). What stands before it are the inputs; default: stdin.

Each input file is a config named after it, shard numbers left out; train, test and validation are splits of the
config 'default'. Configs with the same columns also get their union, 'all'. A column has one type in all rows, known
from a first pass: the columns of OpenR1-Math-220k and of r1tool as they are defined, others as their values are; where
those have no type in common the column holds their JSON text, and a line on stderr says so.

Running it again writes the same files and uploads only what the Hub does not have. A README.md without r1tool's mark
is kept unless --card is given.

Cost: two passes over the rows, under 350 MB of memory; on the Hub, the Parquet files also lie in TMPDIR for a while.

\b
Examples:
  r1tool push out/ ./dataset
  r1tool push out/ me/my-math-220k --private --recipe sft
  r1tool push --config default='good-*' --config extended='easy-*' traces/ me/my-math-220k
"""

COPY_BYTES = 1 << 20


def run(options: PushOptions, stream: StreamOptions) -> int:
    if not stream.inputs:
        raise R1Error("name the target last: OWNER/NAME on the Hub, or ./FOLDER", USAGE)
    target = _target(stream.inputs[-1])
    part_of_input = partial(part_of, given=[configs.parse(text) for text in options.config])
    max_bytes = _size(options.max_shard_size)
    chosen = [_recipe(text) for text in options.recipe]
    if not options.dry_run:
        target.check()
    with _rereadable(replace(stream, inputs=stream.inputs[:-1]), target) as stream:
        survey, summary = Survey(), Summary()
        unnamed = 0
        with Stage("push", stream, writes=False, adopt=False) as stage:
            for row in stage.rows():
                part = part_of_input(row.input)
                if part is None:
                    unnamed += 1
                    continue
                try:
                    values = plain(row)
                    summary.add(values)
                    survey.see(values, part)
                except BadRow as error:
                    survey.refuse(row)
                    stage.reject(row, str(error))
        if stage.status not in (DONE, FAILED):
            return stage.status
        if unnamed:
            stage.note(f"left out {unnamed:,} rows of inputs that no --config names")
        _tell(survey, stage)
        recipe_files = {file_name(each): recipe_text(each, target.name, *_trained(survey, each)) for each in chosen}
        text = readme(
            target.name,
            survey.rows,
            survey.columns.settle(),
            report(summary),
            survey.provenance,
            [(file_name(each), command(each, target.name, isinstance(target, HubTarget))) for each in chosen],
            survey.whole,
        )
        if options.dry_run:
            sys.stdout.write(text)
            return stage.status
        card = options.card
        if card is None and target.has_own_readme():
            stage.note(f"{target.name} has a README.md of its own, which stays; --card replaces it")
            card = False
        with target.staging() as folder:
            again = Stage("push", replace(stream, rejects=None, strict=False, quiet=True), writes=False, adopt=False)
            with again:
                files = write_parquet(again.rows(), lambda row: part_of_input(row.input), survey, folder, max_bytes)
            if again.status not in (DONE, FAILED):
                return again.status
            if card is not False:
                (folder / "README.md").write_text(text, encoding="utf-8")
            for name, content in recipe_files.items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(content, encoding="utf-8")
            stage.note(f"{target.put(folder, files, options.private)}: {', '.join(_shown(survey))}")
    return stage.status


def _target(text: str) -> Target:
    if text.startswith(("./", "../", "/", "~")) or text in (".", "..") or Path(text).is_dir():
        return LocalTarget(text)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", text) and not Path(text).exists():
        return HubTarget(text)
    raise R1Error(f"{text}: the last argument is the target, OWNER/NAME on the Hub or ./FOLDER", USAGE)


def _recipe(text: str) -> Recipe:
    if text in RECIPES:
        return text
    raise R1Error(f"--recipe {text}: choose from {', '.join(RECIPES)}", USAGE)


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError:
        raise R1Error(f"--max-shard-size {text}: give a size such as 500MB or 2GB", USAGE) from None


@contextmanager
def _rereadable(stream: StreamOptions, target: Target) -> Iterator[StreamOptions]:
    """The same inputs, those that can be read only once copied to a temporary file.

    A target within an input folder is no input of its own: it holds what an earlier run has published.
    """
    expanded = expand(stream.inputs)
    sources = [source for source in expanded if not target.holds(source.path)] or expanded
    if len(sources) == len(expanded) and not any(source.path is None or source.is_pipe for source in sources):
        yield stream
        return
    with tempfile.TemporaryDirectory(prefix="r1tool-push-") as folder:
        inputs = []
        for number, source in enumerate(sources):
            path = source.path
            if path is None or source.is_pipe:
                copy = Path(folder, str(number), configs.STDIN)
                copy.parent.mkdir()
                with (
                    open(path if path is not None else 0, "rb", closefd=path is not None) as raw,
                    copy.open("wb") as out,
                ):
                    shutil.copyfileobj(raw, out, COPY_BYTES)
                path = str(copy)
            inputs.append(path)
        yield replace(stream, inputs=inputs)


def _tell(survey: Survey, stage: Stage) -> None:
    if not survey.rows:
        raise R1Error("no rows to publish")
    for config, columns in survey.columns.settle().items():
        if texts := [name for name, shape in columns.items() if shape == "json"]:
            stage.note(f"config {config}: {', '.join(texts)} differ in type from row to row and become JSON text")


def _trained(survey: Survey, recipe: Recipe) -> tuple[str, str]:
    """The first config and split with the columns that the recipe's trainer reads."""
    for part in survey.rows:
        if all(name in survey.columns.settle()[part.config] for name in NEEDS[recipe]):
            return part.config, part.split
    raise R1Error(f"--recipe {recipe}: no rows with {' and '.join(NEEDS[recipe])}; see 'r1tool split --as'", USAGE)


def _shown(survey: Survey) -> list[str]:
    return [f"{part.config}/{part.split} {rows:,} rows" for part, rows in survey.rows.items()]
