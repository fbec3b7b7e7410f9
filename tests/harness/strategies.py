"""Rows of any shape, for hypothesis."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
rows = st.dictionaries(text, value, max_size=4)
dumps: list[Callable[[Any], bytes]] = [
    lambda row: json.dumps(row).encode(),
    lambda row: json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode(),
    lambda row: json.dumps(row, ensure_ascii=False, separators=(" ,  ", "\t: ")).encode(),
]
line = st.builds(lambda row, dump: dump(row), rows, st.sampled_from(dumps))
