"""Choose some rows in the light of all of them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from r1tool.errors import BadRow
from r1tool.records.row import Rejected, Row
from r1tool.split import limo, s1k
from r1tool.stream.spool import spool

Selection = Literal["s1k", "limo"]


class Selector(NamedTuple):
    """How rows are chosen: what is kept of each (a text: why it cannot be), the choice, and how many by default."""

    feature: Callable[[Row], Any]
    choose: Callable[[Iterable[tuple[int, Any]], int, int], set[int]]
    size: int


SELECTORS: dict[Selection, Selector] = {
    "s1k": Selector(s1k.feature, s1k.choose, s1k.SIZE),
    "limo": Selector(limo.feature, limo.choose, limo.SIZE),
}


def select(
    rows: Iterable[Row],
    how: Selection,
    size: int | None = None,
    seed: int = 0,
    dropped: Callable[[str], None] = lambda reason: None,
    rejected: Rejected = lambda row, reason: None,
) -> Iterator[Row]:
    """The selected rows in the order they came, once the last has come.

    `dropped` is told why each other one is not among them, `rejected` which row has a column of a wrong type.

    Costs about 200 bytes of memory per row, and a third of the rows' size in TMPDIR.
    """
    selector = SELECTORS[how]
    features: list[tuple[int, Any]] = []
    count = 0

    def seen() -> Iterator[Row]:
        nonlocal count
        for row in rows:
            try:
                feature = selector.feature(row)
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
            chosen = selector.choose(features, selector.size if size is None else size, seed)
        if number in chosen:
            yield row
        else:
            dropped(f"not among the {len(chosen)} chosen by {how}")
