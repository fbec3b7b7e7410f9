"""hf://datasets/OWNER/NAME[@config][/split], from a Hub on the loopback with the real client."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.hub import TOKEN, serve
from harness.rows import zstd_frames

from r1tool.errors import R1Error
from r1tool.stream.hub import dataset_files

CARD = """---
configs:
- config_name: all
  data_files: [{split: train, path: all/*.parquet}]
- config_name: default
  data_files:
  - {split: train, path: ["data/train-*.jsonl.zst"]}
  - {split: test, path: data/test.jsonl}
- config_name: extended
  data_files: "extended/**"
---
# A data set
"""
UPLOAD = """
import sys
from huggingface_hub import HfApi
for repository in sys.argv[2:]:
    HfApi().create_repo(repository, repo_type="dataset")
    HfApi().upload_folder(repo_id=repository, repo_type="dataset", folder_path=f"{sys.argv[1]}/{repository}")
"""


def run(environment: dict[str, str], *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_configs_and_splits_of_a_card_and_of_file_names(tmp_path: Path) -> None:
    with_card, without = tmp_path / "me" / "card", tmp_path / "me" / "plain"
    for number in (2, 10):
        path = with_card / "data" / f"train-{number}.jsonl.zst"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(zstd_frames([b'{"problem":"%d"}\n' % number]))
    (with_card / "README.md").write_text(CARD)
    (with_card / "data" / "test.jsonl").write_text('{"problem":"test"}\n')
    (with_card / "extended" / "deep").mkdir(parents=True)
    (with_card / "extended" / "deep" / "a.jsonl").write_text('{"problem":"deep"}\n')
    for name in ("train", "test"):
        (without / name).mkdir(parents=True)
        (without / name / "a.jsonl").write_text(f'{{"problem":"{name}"}}\n')
    with serve(tmp_path / "hub") as hub:
        known = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
        done = run(known, "-c", UPLOAD, tmp_path, "me/card", "me/plain")
        assert done.returncode == 0, done.stderr
        expected = {
            "me/card": ["2", "10"],
            "me/card@default/train": ["2", "10"],
            "me/card/test": ["test"],
            "me/card@extended": ["deep"],
            "me/card/data/test.jsonl": ["test"],
            "me/plain": ["train"],
            "me/plain/test": ["test"],
        }
        split = ("-m", "r1tool", "split", "-q", "-z", "none")
        for name, problems in expected.items():
            done = run(known, *split, f"hf://datasets/{name}")
            lines = [f'{{"problem":"{problem}"}}' for problem in problems]
            assert done.stdout.replace(" ", "").splitlines() == lines, done.stderr
        for name, words in {
            "me/card/nosuch": "no split 'nosuch'; the splits are train, test",
            "me/card@nosuch": "no config 'nosuch'; the configs are all, default, extended",
            "me/card@all": ".parquet files in config 'all'",
            "me/absent": "no such dataset",
        }.items():
            done = run(known, *split, f"hf://datasets/{name}")
            assert (done.returncode, words in done.stderr) == (1, True), done.stderr


def test_what_names_no_data_set_is_told_how_to() -> None:
    for url in ("hf://datasets/only-one", "hf://models/me/x", "hf://datasets/a/b/c/d"):
        with pytest.raises(R1Error, match="write hf://datasets/OWNER/NAME"):
            dataset_files(url)
