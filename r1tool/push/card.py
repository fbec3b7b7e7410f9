"""The README.md of a dataset: the YAML that the Hub and datasets read, and a card made from what the rows tell."""

from collections.abc import Mapping, Sequence
from typing import Any

from r1tool.progress import counted
from r1tool.push.configs import Part
from r1tool.push.provenance import Provenance
from r1tool.records.columns import COLUMNS
from r1tool.records.shapes import Shape

MARK = "<!-- made by r1tool push -->"
"""A README.md without it is somebody's own and is not replaced."""
SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6), ("1M<n<10M", 10**7))
MAX_SOURCES = 30

MEANINGS = {column.name: column.description for column in COLUMNS}


def readme(
    name: str,
    rows: Mapping[Part, int],
    columns: Mapping[str, Mapping[str, Shape]],
    report: Mapping[str, Any],
    provenance: Provenance,
    recipes: Sequence[tuple[str, str]] = (),
    whole: bool = False,
) -> str:
    """The text of README.md.

    `name` is what load_dataset is given, `columns` are by config, `recipes` file names and how to run them; `whole`
    adds the config `all`, the union of the others.
    """
    sections = [
        _front_matter(rows, whole),
        f"{MARK}\n# {name.rstrip('/').rpartition('/')[2]}",
        _description(report, rows),
        _loading(name, rows),
        _provenance(provenance),
        _verification(report),
        _sources(report),
        _columns(columns),
        _recipes(recipes),
        "## License\n\nThis card names no license: the problems keep that of the data they come from, and the terms of"
        " the model that wrote the generations apply to them. Add `license:` to the front matter once you know both.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(rows: Mapping[Part, int], whole: bool) -> str:
    import yaml

    splits: dict[str, dict[str, list[str]]] = {}
    for part in rows:
        splits.setdefault(part.config, {}).setdefault(part.split, []).append(f"{part.folder}/{part.split}-*")
    if whole:
        for config in list(splits.values()):
            for split, paths in config.items():
                splits.setdefault("all", {}).setdefault(split, []).extend(paths)
    configs: list[dict[str, Any]] = [
        {
            "config_name": config,
            "data_files": [
                {"split": split, "path": paths[0] if len(paths) == 1 else paths} for split, paths in each.items()
            ],
        }
        for config, each in splits.items()
    ]
    if len(configs) > 1 and "default" not in splits:
        configs[0]["default"] = True
    head = {
        "task_categories": ["text-generation"],
        "tags": ["reasoning", "math", "r1tool"],
        "size_categories": [next((size for size, limit in SIZES if sum(rows.values()) < limit), "n>10M")],
        "configs": configs,
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---"


def _description(report: Mapping[str, Any], rows: Mapping[Part, int]) -> str:
    tokens = report["tokens"]
    text = f"{counted(report['rows'], 'problem')} with {counted(report['generations'], 'generation')}"
    if report["correct_any"]:
        text += f", {report['correct_any']:,} of them right; {counted(report['rows_correct_any'], 'problem')} solved"
    text += "."
    if tokens["max"]:
        text += f" Median generation: {tokens['p50']:,.0f} tokens; longest: {tokens['max']:,}."
    lines = ["| config | split | rows |", "|---|---|---:|"]
    lines += [f"| {part.config} | {part.split} | {count:,} |" for part, count in rows.items()]
    return text + "\n\n" + "\n".join(lines)


def _loading(name: str, rows: Mapping[Part, int]) -> str:
    part = next(iter(rows))
    return (
        "## Loading\n\n```python\nfrom datasets import load_dataset\n\n"
        f'rows = load_dataset("{name}", "{part.config}", split="{part.split}")\n```'
    )


def _provenance(provenance: Provenance) -> str:
    lines = [f"| {name} | {value} |" for name, value in provenance.lines()]
    return "\n".join(["## How it was made\n", "| | |", "|---|---|", *lines]) if lines else ""


def _verification(report: Mapping[str, Any]) -> str:
    lines = []
    for title, counts in (("rules", report["verdicts"]), ("judge", report["judge_verdicts"])):
        lines += [f"| {title} | {name.lower()} | {count:,} |" for name, count in counts.items() if count]
    if not lines:
        return ""
    return "\n".join(["## Verification\n", "| by | verdict | generations |", "|---|---|---:|", *lines])


def _sources(report: Mapping[str, Any]) -> str:
    if list(report["sources"]) in ([], ["none"]):
        return ""
    lines = ["## Sources\n", "| source | rows | with a right answer |", "|---|---:|---:|"]
    shown = list(report["sources"].items())
    lines += [f"| {name} | {each['rows']:,} | {each['rows_correct_any']:,} |" for name, each in shown[:MAX_SOURCES]]
    if len(shown) > MAX_SOURCES:
        lines.append(f"| {len(shown) - MAX_SOURCES:,} more | | |")
    return "\n".join(lines)


def _columns(columns: Mapping[str, Mapping[str, Shape]]) -> str:
    different = any(each != next(iter(columns.values())) for each in columns.values())
    shown = columns.items() if different else list(columns.items())[:1]
    parts = ["## Columns"]
    for config, types in shown:
        lines = [f"| {name} | {type_name(shape)} | {MEANINGS.get(name, '')} |" for name, shape in types.items()]
        title = [f"### {config}\n"] if different else []
        parts.append("\n".join([*title, "| column | type | |", "|---|---|---|", *lines]))
    return "\n\n".join(parts)


def _recipes(recipes: Sequence[tuple[str, str]]) -> str:
    if not recipes:
        return ""
    parts = [f"`{file}`:\n\n```sh\n{command}\n```" for file, command in recipes]
    return "## Training\n\nConfigurations for [TRL](https://github.com/huggingface/trl):\n\n" + "\n\n".join(parts)


def type_name(shape: Shape) -> str:
    """A shape as the card names it: string, list[bool], {a, b}."""
    if isinstance(shape, str):
        return {"json": "string (JSON)", "long": "int"}.get(shape, shape)
    if shape[0] == "list":
        return f"list[{type_name(shape[1])}]"
    return "{" + ", ".join(shape[1]) + "}" if shape[1] else "object"
