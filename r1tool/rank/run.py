"""`rank`: rows in, rows with scores and the chosen generation out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from r1tool.errors import BadRow
from r1tool.rank.options import RankOptions
from r1tool.rank.scorer import candidates, load, record
from r1tool.records.row import Rejected, Row, as_rows, refuse


def rank(rows: Iterable[Row | Mapping[str, Any]], options: RankOptions | None = None) -> Iterator[Row]:
    """Each of `rows` with `scores` and `messages`. A row is a Row or a dictionary.

    >>> from r1tool.rank.options import RankOptions
    >>> row = {"problem": "1 + 1", "generations": ["1 + 1 = 2", "2"], "correctness_math_verify": [True, True]}
    >>> for ranked in rank([row], RankOptions(by="shortest")):
    ...     print(ranked["scores"], ranked["messages"][-1].content)
    {'shortest': [-9, -1]} 2

    Raises R1Error for an unknown scorer, BadRow for a row that cannot be used.
    """
    return Ranker(options or RankOptions()).rank(as_rows(rows))


class Ranker:
    """The scorers of `options`, loaded. Raises R1Error for an unknown one."""

    def __init__(self, options: RankOptions) -> None:
        self._among = options.among
        self._scorers = {name: load(name, options.seed) for name in options.by.split(",")}

    def rank(self, rows: Iterable[Row], rejected: Rejected = refuse) -> Iterator[Row]:
        """See `rank`. A row that cannot be used raises BadRow unless `rejected` takes it, with the reason."""
        for row in rows:
            try:
                chosen = candidates(row, self._among)
                record(row, {name: score(row, chosen) for name, score in self._scorers.items()}, chosen)
            except BadRow as error:
                rejected(row, str(error))
            else:
                yield row
