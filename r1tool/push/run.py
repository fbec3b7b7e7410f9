"""`push`: rows into a dataset, in two passes over the inputs."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from r1tool.errors import USAGE, BadRow, R1Error
from r1tool.progress import counted
from r1tool.push.card import readme
from r1tool.push.configs import STDIN, Part, parse_config, part_of
from r1tool.push.options import PushOptions
from r1tool.push.parquet import parse_size
from r1tool.push.recipes import NEEDS, RECIPES, Recipe, command, file_name, recipe_text
from r1tool.push.schema import checked_values
from r1tool.push.survey import PartOf, Survey, write_parquet
from r1tool.push.targets import Target
from r1tool.records.report import report
from r1tool.records.row import Row
from r1tool.stream.options import StreamOptions
from r1tool.stream.sources import expand
from r1tool.stream.stage import Stage

COPY_BYTES = 1 << 20


def publish(target: Target, stream: StreamOptions, options: PushOptions | None = None) -> int:
    r"""Publish the rows of `stream.inputs` (none: stdin) at `target`; return the exit status, 1 if rows were rejected.

    >>> from r1tool.push.targets import LocalTarget
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = Path(folder, "rows.jsonl")
    ...     _ = rows.write_text('{"problem": "1 + 1", "answer": "2"}\n')
    ...     publish(LocalTarget(f"{folder}/dataset"), StreamOptions([str(rows)], quiet=True))
    ...     sorted(path.name for path in Path(folder, "dataset").iterdir())
    0
    ['README.md', 'rows']

    The first pass learns the columns and their types, the second writes them. `stream.output` is not used. Raises
    R1Error where there are no rows, an option makes no sense or the target cannot be written to.
    """
    options = options or PushOptions()
    given = [parse_config(text) for text in options.config]
    max_bytes = _size(options.max_shard_size)
    recipes = [_recipe(text) for text in options.recipe]
    if not options.dry_run:
        target.check()

    def part(row: Row) -> Part | None:
        return part_of(row.input, given)

    with _rereadable(stream, target) as stream:
        stage = Stage("push", stream, writes=False, adopt=False)
        survey = _survey(stage, part)
        if not stage.completed:
            return stage.status
        _tell(stage, survey)
        files = {file_name(each): recipe_text(each, target.name, *_trained(survey, each)) for each in recipes}
        card = _card(target, survey, recipes)
        if options.dry_run:
            sys.stdout.write(card)
            return stage.status
        if options.card is None and target.has_own_readme():
            stage.note(f"{target.name} has its own README.md, which is kept; --card replaces it")
        elif options.card is not False:
            files["README.md"] = card
        with target.staging() as folder:
            again = Stage("push", replace(stream, rejects=None, strict=False, quiet=True), writes=False, adopt=False)
            with again:
                shards = write_parquet(again.rows(), part, survey, folder, max_bytes)
            if not again.completed:
                return again.status
            for name, text in files.items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(text, encoding="utf-8")
            shown = (f"{each.config}/{each.split} {counted(rows, 'row')}" for each, rows in survey.rows.items())
            stage.note(f"{target.put(folder, shards, options.private)}: {', '.join(shown)}")
    return stage.status


def _survey(stage: Stage, part_of: PartOf) -> Survey:
    """The first pass."""
    survey = Survey()
    with stage:
        for row in stage.rows():
            part = part_of(row)
            if part is None:
                survey.unnamed += 1
                continue
            try:
                survey.see(checked_values(row), part)
            except BadRow as error:
                survey.refuse(row)
                stage.reject(row, str(error))
    return survey


def _tell(stage: Stage, survey: Survey) -> None:
    """What of the survey may come unexpected. Raises R1Error if there are no rows."""
    if survey.unnamed:
        stage.note(f"left out {counted(survey.unnamed, 'row')} of inputs that match no --config")
    if not survey.rows:
        raise R1Error("no rows to publish")
    for config, columns in survey.columns.settle().items():
        if texts := [name for name, shape in columns.items() if shape == "json"]:
            stage.note(f"config {config}: stored as JSON text, because types differ between rows: {', '.join(texts)}")


def _card(target: Target, survey: Survey, recipes: list[Recipe]) -> str:
    return readme(
        target.name,
        survey.rows,
        survey.columns.settle(),
        report(survey.summary),
        survey.provenance,
        [(file_name(each), command(each, *target.fetch(file_name(each)))) for each in recipes],
        survey.whole,
    )


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
                copy = Path(folder, str(number), STDIN)
                copy.parent.mkdir()
                with (
                    open(path if path is not None else 0, "rb", closefd=path is not None) as raw,
                    copy.open("wb") as out,
                ):
                    shutil.copyfileobj(raw, out, COPY_BYTES)
                path = str(copy)
            inputs.append(path)
        yield replace(stream, inputs=inputs)


def _trained(survey: Survey, recipe: Recipe) -> tuple[str, str]:
    """The first config and split with the columns that the recipe's trainer reads."""
    columns = survey.columns.settle()
    for part in survey.rows:
        if all(name in columns[part.config] for name in NEEDS[recipe]):
            return part.config, part.split
    raise R1Error(f"--recipe {recipe}: no config has {' and '.join(NEEDS[recipe])}; see 'r1tool split --as'", USAGE)


def _recipe(text: str) -> Recipe:
    if text in RECIPES:
        return text
    raise R1Error(f"--recipe {text}: unknown recipe; choose from {', '.join(RECIPES)}", USAGE)


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError:
        raise R1Error(f"--max-shard-size {text}: give a size such as 500MB or 2GB", USAGE) from None
