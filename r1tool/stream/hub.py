"""The files behind hf://datasets/OWNER/NAME[@config][/split], as the dataset's card tells them."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from r1tool.errors import R1Error
from r1tool.stream.names import SUFFIXES, natural

PREFIX = "hf://datasets/"
SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing", "eval"),
    "validation": ("validation", "valid", "dev"),
}
"""The words in file names by which `datasets` tells splits, where the card names none."""


def dataset_files(url: str) -> list[str]:
    """The hf:// paths of one split's files; of train, or of all there is, where no split is named. Raises R1Error."""
    match = re.fullmatch(r"hf://datasets/([^/@]+/[^/@]+)(?:@([^/]+))?(?:/([^/]+))?", url.rstrip("/"))
    if not match:
        if url.startswith(PREFIX) and url.endswith(SUFFIXES):
            return [url]
        raise R1Error(f"{url}: write hf://datasets/OWNER/NAME, with @config and /split after it if needed")
    repository, config, split = match.groups()
    if split and split.endswith(SUFFIXES):
        return [url]
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        files = list(HfApi().list_repo_files(repository, repo_type="dataset"))
        splits = _of_card(_configs(repository, files), config, files) or _of_names(config, files)
    except RepositoryNotFoundError:
        raise R1Error(f"{url}: no such dataset, or it is private: run 'hf auth login'") from None
    except R1Error:
        raise
    except Exception as error:  # of several HTTP libraries
        raise R1Error(f"{url}: the Hub is not responding: {type(error).__name__}: {error}".splitlines()[0]) from None
    if not any(splits.values()):
        raise R1Error(f"{url}: no {', '.join(SUFFIXES)} files{f' in config {config!r}' if config else ''}")
    if split is None:
        chosen = splits.get("train") or [name for names in splits.values() for name in names]
    elif split in splits:
        chosen = splits[split]
    else:
        raise R1Error(f"{url}: no split {split!r}; the splits are {', '.join(splits)}")
    return [f"{PREFIX}{repository}/{name}" for name in dict.fromkeys(chosen)]


def _configs(repository: str, files: Iterable[str]) -> list[dict[str, Any]]:
    if "README.md" not in files:
        return []
    from huggingface_hub import DatasetCard

    configs = DatasetCard.load(repository).data.to_dict().get("configs")
    return [config for config in configs or [] if "data_files" in config]


def _of_card(configs: list[dict[str, Any]], wanted: str | None, files: list[str]) -> dict[str, list[str]]:
    if not configs:
        return {}
    names = [config.get("config_name", "default") for config in configs]
    if wanted is None:
        marked = [config for config in configs if config.get("default")]
        named = [config for config, name in zip(configs, names, strict=True) if name == "default"]
        config = (marked or named or configs)[0]
    elif wanted in names:
        config = configs[names.index(wanted)]
    else:
        raise R1Error(f"no config {wanted!r}; the configs are {', '.join(names)}")
    entries = config["data_files"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        entries = [{"split": "train", "path": entries}]
    root = config.get("data_dir") or ""
    splits: dict[str, list[str]] = {}
    for entry in entries:
        patterns = entry["path"] if isinstance(entry["path"], list) else [entry["path"]]
        for pattern in patterns:
            splits.setdefault(entry.get("split", "train"), []).extend(_matching(f"{root}/{pattern}".strip("/"), files))
    return splits


def _of_names(wanted: str | None, files: list[str]) -> dict[str, list[str]]:
    rows = sorted((name for name in files if name.endswith(SUFFIXES)), key=natural)
    if wanted and wanted != "default":
        rows = [name for name in rows if wanted in PurePosixPath(name).parts[:-1] or name.startswith(wanted)]
    splits: dict[str, list[str]] = {}
    for name in rows:
        words = re.split(r"[^a-z0-9]+", name.lower())
        split = next((split for split, known in SPLITS.items() if any(word in known for word in words)), "train")
        splits.setdefault(split, []).append(name)
    return splits


def _matching(pattern: str, files: list[str]) -> list[str]:
    expression = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    expression = expression.replace(r"\?", "[^/]")
    return sorted((name for name in files if re.fullmatch(expression, name)), key=natural)
