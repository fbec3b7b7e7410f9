"""push: a folder or a Hub data set that load_dataset reads back, with its card."""

import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from harness.cli import ok, run
from harness.hub import TOKEN, Hub, serve
from harness.rows import trace, write_rows
from hypothesis import given
from hypothesis import strategies as st

from r1tool.push.configs import Part, parse_config, part_of
from r1tool.push.options import PushOptions
from r1tool.push.parquet import parse_size
from r1tool.push.run import publish
from r1tool.push.shapes import arrow_type, finalize, merge, shape_of
from r1tool.push.targets import LocalTarget
from r1tool.stream.options import StreamOptions

MESSAGES = [{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}]
JUDGED = [{"verdict": "EQUIVALENT", "votes": {"EQUIVALENT": 1}, "explanation": "same"}, None]
SAMPLING = {"model": "deepseek-ai/DeepSeek-R1", "engine": "sglang", "temperature": 0.6, "seeds": [1, 2], "extra": None}


def rows(count: int = 3, first: int = 0, **columns: Any) -> list[dict[str, Any]]:
    given = {"sampling": SAMPLING, "messages": MESSAGES, "judge_verdicts": JUDGED, **columns}
    return [trace(i, ["correct", "wrong"], **given) for i in range(first, first + count)]


def front_matter(readme: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(readme.read_text().split("---\n")[1]))


def load(folder: Path, config: str, cache: Path, split: str = "train") -> list[dict[str, Any]]:
    datasets = pytest.importorskip("datasets")
    return list(datasets.load_dataset(str(folder), config, split=split, cache_dir=str(cache)))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_load_dataset_gives_back_equal_rows_of_every_config(tmp_path: Path) -> None:
    default, extended = rows(3), rows(2, first=10)
    write_rows(tmp_path / "out/default.jsonl.zst", default)
    write_rows(tmp_path / "out/extended.jsonl.zst", extended)
    ok("push", tmp_path / "out", tmp_path / "set")
    assert load(tmp_path / "set", "default", tmp_path / "cache") == default
    assert load(tmp_path / "set", "extended", tmp_path / "cache") == extended
    assert load(tmp_path / "set", "all", tmp_path / "cache") == default + extended
    files = sorted(str(path.relative_to(tmp_path / "set")) for path in (tmp_path / "set").rglob("*") if path.is_file())
    assert files == ["README.md", "data/train-00000-of-00001.parquet", "extended/train-00000-of-00001.parquet"]


def test_a_row_of_openr1_math_keeps_its_columns_and_types(tmp_path: Path) -> None:
    columns = "problem solution answer problem_type question_type source uuid is_reasoning_complete generations"
    columns += " correctness_math_verify correctness_llama finish_reasons correctness_count messages"
    row = {**trace(1, ["correct"]), "finish_reasons": None, "correctness_count": 1, "messages": MESSAGES}
    write_rows(tmp_path / "in.jsonl", [{name: row[name] for name in columns.split()}])
    ok("push", tmp_path / "in.jsonl", tmp_path / "set")
    schema = pq.read_schema(tmp_path / "set/in/train-00000-of-00001.parquet")
    assert schema.names == columns.split()
    types = {name: str(schema.field(name).type) for name in schema.names}
    assert types["correctness_llama"] == "list<element: bool>"
    assert types["finish_reasons"] == "list<element: string>"
    assert types["correctness_count"] == "int64"


def test_a_column_that_is_null_for_long_gets_the_type_it_has_later(tmp_path: Path) -> None:
    given = rows(40, note=None)
    given[-1]["note"] = {"seen": [1, 2.5], "by": "me"}
    ok("push", write_rows(tmp_path / "in.jsonl", given), tmp_path / "set")
    assert load(tmp_path / "set", "in", tmp_path / "cache") == given


def test_answers_that_are_numbers_become_text(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(
        '{"problem": "p", "answer": 0.50}\n{"problem": "q", "answer": "x"}\n{"problem": "r", "answer": 7}\n'
    )
    ok("push", source, tmp_path / "out/")
    (shard,) = (tmp_path / "out").rglob("*.parquet")
    assert pq.read_table(shard)["answer"].to_pylist() == ["0.50", "x", "7"]


def test_values_nested_deeper_than_readers_go_become_their_json_text(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    ok("push", write_rows(tmp_path / "in.jsonl", rows(1, extra=deep)), tmp_path / "out/")
    (row,) = load(tmp_path / "out", "in", tmp_path / "cache")
    assert json.loads(row["extra"]) == deep


def test_values_without_a_common_type_become_their_json_text_and_that_is_said(tmp_path: Path) -> None:
    lines = [
        b'{"problem":"p","mixed": {"a": 1.50},"big":18446744073709551616,"empty":{}}',
        b'{"problem":"q","mixed":[1],"big":1,"empty":{}}',
        b'{"problem":"r","mixed":null,"big":2}',
    ]
    done = ok("push", tmp_path / "set/", stdin=b"\n".join(lines))
    assert b"because types differ between rows: mixed, big, empty" in done.stderr
    assert load(tmp_path / "set", "default", tmp_path / "cache") == [
        {"problem": "p", "mixed": '{"a": 1.50}', "big": "18446744073709551616", "empty": "{}"},
        {"problem": "q", "mixed": "[1]", "big": "1", "empty": "{}"},
        {"problem": "r", "mixed": None, "big": "2", "empty": None},
    ]


@pytest.mark.parametrize("shards", [1, 3])
def test_shards_of_one_config_are_one_config(tmp_path: Path, shards: int) -> None:
    for number in range(shards):
        write_rows(tmp_path / f"out/easy-{number:05}-of-{shards:05}.jsonl.zst", rows(2, first=10 * number))
    ok("push", tmp_path / "out", tmp_path / "set")
    assert [each["config_name"] for each in front_matter(tmp_path / "set/README.md")["configs"]] == ["easy"]
    assert len(load(tmp_path / "set", "easy", tmp_path / "cache")) == 2 * shards


def test_train_and_test_are_splits_of_default(tmp_path: Path) -> None:
    for number, name in enumerate(("train", "test")):
        write_rows(tmp_path / f"out/{name}.jsonl.zst", rows(2, first=10 * number))
    ok("push", tmp_path / "out", tmp_path / "set")
    assert [row["uuid"] for row in load(tmp_path / "set", "default", tmp_path / "cache", "test")] == ["id-10", "id-11"]
    assert [each["config_name"] for each in front_matter(tmp_path / "set/README.md")["configs"]] == ["default"]


def test_config_globs_say_which_input_is_which(tmp_path: Path) -> None:
    for number, name in enumerate(("good-1", "good-2", "easy-1", "other")):
        write_rows(tmp_path / f"in/{name}.jsonl", rows(1, first=number))
    globs = ("--config", "default=good-*", "--config", "extended/test=easy-*")
    done = ok("push", tmp_path / "in", tmp_path / "set", *globs)
    assert b"left out 1 row of inputs that match no --config" in done.stderr
    assert [row["uuid"] for row in load(tmp_path / "set", "default", tmp_path / "cache")] == ["id-0", "id-1"]
    assert [row["uuid"] for row in load(tmp_path / "set", "extended", tmp_path / "cache", "test")] == ["id-2"]


def test_a_data_set_pushed_on_keeps_its_configs(tmp_path: Path) -> None:
    write_rows(tmp_path / "out/default.jsonl", rows(2))
    write_rows(tmp_path / "out/extended.jsonl", rows(1, first=5))
    ok("push", tmp_path / "out", tmp_path / "set")
    ok("push", tmp_path / "set", tmp_path / "again")
    for name in ("README.md", "data/train-00000-of-00001.parquet", "extended/train-00000-of-00001.parquet"):
        first, second = ((tmp_path / folder / name).read_bytes() for folder in ("set", "again"))
        assert first.replace(b"/set", b"").replace(b"# set", b"") == second.replace(b"/again", b"").replace(
            b"# again", b""
        )


def test_configs_with_other_columns_have_no_union(tmp_path: Path) -> None:
    write_rows(tmp_path / "out/sft.jsonl", [{"messages": MESSAGES}])
    write_rows(tmp_path / "out/raw.jsonl", rows(1))
    ok("push", tmp_path / "out", tmp_path / "set")
    head = front_matter(tmp_path / "set/README.md")
    assert [(each["config_name"], each.get("default")) for each in head["configs"]] == [("raw", True), ("sft", None)]
    assert load(tmp_path / "set", "sft", tmp_path / "cache") == [{"messages": MESSAGES}]


def test_what_an_earlier_run_has_published_within_the_inputs_is_no_input(tmp_path: Path) -> None:
    write_rows(tmp_path / "out/default.jsonl.zst", rows(3))
    ok("push", tmp_path / "out", tmp_path / "out/set")
    ok("push", tmp_path / "out", tmp_path / "out/set")
    assert len(load(tmp_path / "out/set", "default", tmp_path / "cache")) == 3
    ok("push", tmp_path / "out/set", tmp_path / "out/set")
    assert len(load(tmp_path / "out/set", "default", tmp_path / "cache2")) == 3


def test_rows_come_from_a_pipe_too(tmp_path: Path) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows(3)).encode()
    ok("push", tmp_path / "set/", stdin=text)
    assert load(tmp_path / "set", "default", tmp_path / "cache") == rows(3)


def test_pushing_again_writes_the_same_bytes_and_leaves_no_shard_behind(tmp_path: Path) -> None:
    many = rows(20)
    path = write_rows(tmp_path / "default.jsonl", many)

    def files() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((tmp_path / "set").rglob("*.*")) if path.is_file()}

    ok("push", path, tmp_path / "set", "--max-shard-size", "1KB")
    first = files()
    assert len(first) > 3
    ok("push", path, tmp_path / "set", "--max-shard-size", "1KB")
    assert files() == first
    ok("push", path, tmp_path / "set")
    assert list(files()) == ["README.md", "train-00000-of-00001.parquet"]
    table = pq.ParquetFile(tmp_path / "set/data/train-00000-of-00001.parquet")
    assert table.metadata.num_rows == 20
    assert table.metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_card_tells_where_the_rows_come_from(tmp_path: Path) -> None:
    write_rows(tmp_path / "out/default.jsonl", rows(3))
    write_rows(tmp_path / "out/extended.jsonl", rows(2, source="cn_k12"))
    ok("push", tmp_path / "out", tmp_path / "set")
    card = (tmp_path / "set/README.md").read_text()
    assert "5 problems with 10 generations, 5 of them right; 5 problems solved" in card
    for line in (
        "| default | train | 3 |",
        "| model | deepseek-ai/DeepSeek-R1 |",
        "| temperature | 0.6 |",
        "| rules | correct | 5 |",
        "| judge | equivalent | 5 |",
        "| cn_k12 | 2 | 2 |",
        "| generations | list[string] |",
    ):
        assert line in card
    assert f'load_dataset("{tmp_path / "set"}", "default", split="train")' in card
    assert front_matter(tmp_path / "set/README.md")["size_categories"] == ["n<1K"]


def test_a_readme_written_by_hand_stays_unless_card_is_given(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "in.jsonl", rows(1))
    readme = write_rows(tmp_path / "set/README.md", [])
    readme.write_text("mine")
    assert b"has its own README.md" in ok("push", path, tmp_path / "set").stderr
    assert readme.read_text() == "mine"
    ok("push", path, tmp_path / "set", "--card")
    assert "made by r1tool push" in readme.read_text()
    ok("push", path, tmp_path / "new", "--no-card")
    assert not (tmp_path / "new/README.md").exists()


def test_dry_run_prints_the_card_and_writes_nothing(tmp_path: Path) -> None:
    done = ok("push", write_rows(tmp_path / "in.jsonl", rows(1)), "./set", "--dry-run")
    assert done.stdout.decode().startswith("---\ntask_categories:")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]


def test_recipes_name_the_data_and_need_its_columns(tmp_path: Path) -> None:
    write_rows(tmp_path / "out/sft.jsonl", [{"messages": MESSAGES}])
    write_rows(tmp_path / "out/grpo.jsonl", [{"prompt": MESSAGES[:1], "solution": r"\boxed{1}"}])
    ok("push", tmp_path / "out", tmp_path / "set", "--recipe", "sft", "--recipe", "grpo")
    sft = yaml.safe_load((tmp_path / "set/recipes/sft.yaml").read_text())
    assert (sft["dataset_name"], sft["dataset_config"], sft["packing"]) == (str(tmp_path / "set"), "sft", False)
    assert isinstance(sft["learning_rate"], float)
    grpo = yaml.safe_load((tmp_path / "set/recipes/grpo.yaml").read_text())
    assert grpo["dataset_config"] == "grpo"
    assert f"trl sft --config {tmp_path}/set/recipes/sft.yaml" in (tmp_path / "set/README.md").read_text()
    done = run("push", tmp_path / "out/sft.jsonl", tmp_path / "set", "--recipe", "grpo")
    assert done.returncode == 2
    assert b"no config has prompt and solution" in done.stderr


def test_a_bad_row_is_left_out_of_both_passes(tmp_path: Path) -> None:
    good = rows(2)
    text = [json.dumps(good[0]), "[]", json.dumps({**good[0], "generations": 3}), json.dumps(good[1])]
    done = run("push", tmp_path / "set/", "--rejects", tmp_path / "bad.jsonl", stdin="\n".join(text).encode())
    assert done.returncode == 1
    assert load(tmp_path / "set", "default", tmp_path / "cache") == good
    assert len((tmp_path / "bad.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, b"the last argument must be the target"),
        (("nothing",), 2, b"OWNER/NAME on the Hub, or ./FOLDER"),
        (("./set", "--max-shard-size", "big"), 2, b"500MB"),
        (("./set", "--config", "a"), 2, b"NAME=GLOB"),
        (("./set", "--recipe", "dpo"), 2, b"choose from sft, grpo"),
        (("./set",), 1, b"no rows to publish"),
        (("out/rows.jsonl",), 2, b"the last argument must be the target"),
    ],
)
def test_what_cannot_be_published_is_said_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], status: int, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "out/rows.jsonl", rows(1))
    monkeypatch.chdir(tmp_path)
    done = run("push", *arguments, PYTHONPATH=os.getcwd())
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert not (tmp_path / "set/README.md").exists()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("out/default.jsonl.zst", Part("default", "train")),
        ("set/data/train-00001-of-00010.parquet", Part("default", "train")),
        ("set/extended/train-00001-of-00010.parquet", Part("extended", "train")),
        ("test-00001-of-00010.parquet", Part("default", "test")),
        ("easy-00001-of-00010.jsonl.zst", Part("easy", "train")),
        ("easy_07.jsonl.zst", Part("easy", "train")),
        ("numina-1.5.jsonl", Part("numina-1.5", "train")),
        ("gpt-4.jsonl", Part("gpt-4", "train")),
        ("test.jsonl", Part("default", "test")),
        ("olympiads.jsonl.gz", Part("olympiads", "train")),
        ("data.jsonl", Part("data_", "train")),
        ("stdin", Part("default", "train")),
        ("my set.jsonl", Part("my_set", "train")),
        ("2024.jsonl", Part("2024", "train")),
        ("s3://bucket/x/aime24.jsonl", Part("aime24", "train")),
    ],
)
def test_an_input_is_named_after_its_file(name: str, part: Part) -> None:
    assert part_of(name, []) == part


def test_with_globs_an_input_that_fits_none_belongs_nowhere() -> None:
    given = [parse_config("easy=*k12*"), parse_config("easy/test=/tmp/*")]
    assert part_of("a/cn_k12-1.jsonl", given) == Part("easy", "train")
    assert part_of("/tmp/x.jsonl", given) == Part("easy", "test")
    assert part_of("other.jsonl", given) is None


def test_sizes_are_understood() -> None:
    assert [parse_size(text) for text in ("500MB", "1.5gb", "10kb", "7")] == [500_000_000, 1_500_000_000, 10_000, 7]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


def is_held(value: Any, read: Any) -> bool:
    """Whether `read` is `value`, but for keys that other values have."""
    if isinstance(value, dict):
        return isinstance(read, dict) and all(is_held(value.get(key), read[key]) for key in read)
    if isinstance(value, list):
        return isinstance(read, list) and len(read) == len(value) and all(map(is_held, value, read))
    return bool(value == read) and isinstance(read, bool) == isinstance(value, bool)


@given(st.lists(JSON, min_size=1, max_size=4))
def test_the_common_type_of_any_values_holds_each_of_them(values: list[Any]) -> None:
    import pyarrow as pa

    shape = shape_of(values[0])
    for value in values[1:]:
        shape = merge(shape, shape_of(value))
    assert merge(shape, shape) == shape
    if finalize(shape) != "json":
        column = pa.array(values, type=arrow_type(finalize(shape)))
        assert all(map(is_held, values, column.to_pylist()))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serve(tmp_path / "hub") as running:
        yield running


def push(hub: Hub, *arguments: object, **environment: str) -> bytes:
    known = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(hub.folder / "home"), "HF_HUB_OFFLINE": "0"}
    return run("push", *arguments, **{**known, **environment}).stderr


def test_the_hub_gets_the_files_and_a_second_push_changes_nothing(tmp_path: Path, hub: Hub) -> None:
    write_rows(tmp_path / "out/default.jsonl", rows(3))
    write_rows(tmp_path / "out/extended.jsonl", rows(2, source="cn_k12"))
    push(hub, tmp_path / "out", "me/math", "--private", "--recipe", "sft")
    assert hub.private == {"me/math": True}
    assert sorted(hub.files("me/math")) == [
        "README.md",
        "data/train-00000-of-00001.parquet",
        "extended/train-00000-of-00001.parquet",
        "recipes/sft.yaml",
    ]
    card = hub.files("me/math")["README.md"]["data"].decode()
    assert 'load_dataset("me/math", "default", split="train")' in card
    assert "hf download --repo-type dataset me/math recipes/sft.yaml" in card
    commits = hub.commits("me/math")
    push(hub, tmp_path / "out", "me/math", "--private", "--recipe", "sft")
    assert hub.commits("me/math") == commits
    file = hub.files("me/math")["data/train-00000-of-00001.parquet"]
    table = pq.read_table(io.BytesIO(hub.content(file, 0, file["size"])))
    assert table.column("uuid").to_pylist() == ["id-0", "id-1", "id-2"]


def test_shards_of_a_larger_earlier_version_are_deleted_and_other_files_stay(tmp_path: Path, hub: Hub) -> None:
    path = write_rows(tmp_path / "default.jsonl", rows(20))
    push(hub, path, "me/math", "--max-shard-size", "1KB")
    assert len(hub.files("me/math")) > 3
    push(hub, write_rows(tmp_path / "extended.jsonl", rows(1)), "me/math")
    push(hub, path, "me/math")
    assert sorted(hub.files("me/math")) == [
        "README.md",
        "data/train-00000-of-00001.parquet",
        "extended/train-00000-of-00001.parquet",
    ]


def test_a_private_push_does_not_go_to_a_public_data_set(tmp_path: Path, hub: Hub) -> None:
    path = write_rows(tmp_path / "default.jsonl", rows(1))
    push(hub, path, "me/math")
    files = dict(hub.files("me/math"))
    assert b"exists and is public" in push(
        hub, write_rows(tmp_path / "default.jsonl", rows(2)), "me/math", "--private"
    )
    assert hub.files("me/math") == files


def test_a_readme_on_the_hub_written_by_hand_stays(tmp_path: Path, hub: Hub) -> None:
    path = write_rows(tmp_path / "default.jsonl", rows(1))
    push(hub, path, "me/math")
    hub.commit(
        "me/math", "by hand", {**hub.files("me/math"), "README.md": {"size": 4, "oid": "0" * 40, "data": b"mine"}}
    )
    assert b"has its own README.md" in push(hub, path, "me/math")
    assert hub.files("me/math")["README.md"]["data"] == b"mine"


def test_the_hub_failing_is_one_sentence_and_the_next_run_goes_on(tmp_path: Path, hub: Hub) -> None:
    path = write_rows(tmp_path / "default.jsonl", rows(1))
    hub.fail("POST", "/commit/", 403)
    said = push(hub, path, "me/math")
    assert re.search(rb"me/math: the Hub answered 403.*run the same command to resume", said)
    assert list(hub.files("me/math")) == []
    push(hub, path, "me/math")
    assert len(hub.files("me/math")) == 2


def test_without_a_login_nothing_is_read_or_sent(tmp_path: Path, hub: Hub) -> None:
    path = write_rows(tmp_path / "default.jsonl", rows(1))
    assert b"run 'hf auth login' or set HF_TOKEN" in push(hub, path, "me/math", HF_TOKEN="wrong")
    assert b"run 'hf auth login' or set HF_TOKEN" in push(hub, path, "me/math", HF_TOKEN="")
    assert hub.repos == {}


def test_from_python_publish_writes_the_data_set_and_returns_the_status(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "good.jsonl.zst", rows(3))
    target = LocalTarget(str(tmp_path / "set"))
    assert publish(target, StreamOptions([str(path)], quiet=True), PushOptions(recipe=["sft"])) == 0
    assert pq.read_table(tmp_path / "set/good/train-00000-of-00001.parquet").num_rows == 3
    assert (tmp_path / "set/recipes/sft.yaml").exists()
    write_rows(path, [*rows(1), {"problem": 3}])
    assert publish(target, StreamOptions([str(path)], quiet=True)) == 1
