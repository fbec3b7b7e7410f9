"""Choose some rows in the light of all of them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from r1tool.errors import BadRow
from r1tool.records.row import Row
from r1tool.split import limo, s1k
from r1tool.stream.spool import spool

Selection = Literal["s1k", "limo"]
SIZES: dict[Selection, int] = {"s1k": s1k.SIZE, "limo": limo.SIZE}


def select(
    rows: Iterable[Row],
    how: Selection,
    size: int | None = None,
    seed: int = 0,
    dropped: Callable[[str], None] = lambda reason: None,
    rejected: Callable[[Row, str], None] = lambda row, reason: None,
) -> Iterator[Row]:
    """The selected rows in the order they came, once the last has come.

    `dropped` is told why each other one is not among them, `rejected` which row has a column of a wrong type.

    Costs about 200 bytes of memory a row, and a third of the rows' size in TMPDIR.
    """
    rule: Any = {"s1k": s1k, "limo": limo}[how]
    features: list[tuple[int, Any]] = []
    count = 0

    def seen() -> Iterator[Row]:
        nonlocal count
        for row in rows:
            try:
                feature = rule.feature(row)
            except BadRow as error:
                rejected(row, str(error))
                continue
            if isinstance(feature, str):
                dropped(feature)
            else:
                features.append((count, feature))
                count += 1
                yield row

    chosen: set[int] | None = None
    for number, row in enumerate(spool(seen())):
        if chosen is None:
            chosen = rule.choose(features, SIZES[how] if size is None else size, seed)
        if number in chosen:
            yield row
        else:
            dropped(f"not among the {len(chosen)} chosen by {how}")
