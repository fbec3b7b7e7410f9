"""`split`: rows in, those that are kept out, each with the name of its part."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from r1tool.errors import BadRow
from r1tool.records.row import Rejected, Row, as_rows, refuse
from r1tool.split import rules
from r1tool.split.decontaminate import read_benchmark, uncontaminated
from r1tool.split.deduplicate import first_seen
from r1tool.split.options import SplitOptions, check
from r1tool.split.parts import PartOf, by_field, by_share, by_source, parse_shares
from r1tool.split.rules import Rule
from r1tool.split.select import select
from r1tool.split.training import shaped

OTHERS_SHOWN = 10


def split(rows: Iterable[Row | Mapping[str, Any]], options: SplitOptions | None = None) -> Iterator[tuple[str, Row]]:
    """The rows to keep, in the shape asked for, each with the name of its part. A row is a Row or a dictionary.

    >>> from r1tool.split.options import SplitOptions
    >>> rows = [{"problem": "1 + 1"}, {"problem": "1  +  1"}, {"problem": "2 + 2", "source": "cn_k12"}]
    >>> [(part, row["problem"]) for part, row in split(rows, SplitOptions(dedup="exact"))]
    [('default', '1 + 1'), ('extended', '2 + 2')]

    `Folder` of split/folder.py writes one file per part. Raises R1Error where the options do not go together, BadRow
    for a row with a known column of a wrong type.
    """
    return Splitter(options or SplitOptions()).split(as_rows(rows))


class Splitter:
    """What `split` does, with its accounts.

    `dropped` counts the rows that are not among its results, by reason; `others` are some names of the parts left out
    by `only`. Raises R1Error where the options do not go together.
    """

    def __init__(self, options: SplitOptions) -> None:
        check(options)
        self.options = options
        self.dropped: Counter[str] = Counter()
        self.others: set[str] = set()
        self._part_of = _part_of(options)
        self._rules = _rules(options)
        self._reshape = shaped(options.shape)

    def split(self, rows: Iterable[Row], rejected: Rejected = refuse) -> Iterator[tuple[str, Row]]:
        """See `split`. A row that cannot be used raises BadRow unless `rejected` takes it."""
        options = self.options
        kept = self._kept(rows, rejected)
        if options.selection is not None:
            kept = select(kept, options.selection, options.size, options.seed, self._drop, rejected)
        for row in kept:
            try:
                part, reshaped = self._part_of(row), list(self._reshape(row))
            except BadRow as error:
                rejected(row, str(error))
                continue
            if part is None or options.only not in (None, part):
                self._drop("in other parts")
                if part is not None and len(self.others) < OTHERS_SHOWN:
                    self.others.add(part)
            elif not reshaped:
                self._drop(f"nothing to write for {options.shape}")
            else:
                yield from ((part, each) for each in reshaped)

    def _kept(self, rows: Iterable[Row], rejected: Rejected) -> Iterator[Row]:
        for row in rows:
            try:
                reason = next((reason for rule in self._rules if (reason := rule(row))), None)
            except BadRow as error:
                rejected(row, str(error))
                continue
            if reason:
                self._drop(reason)
            else:
                yield row

    def _drop(self, reason: str) -> None:
        self.dropped[reason] += 1


def _part_of(options: SplitOptions) -> PartOf:
    if options.fraction is not None:
        return by_share(parse_shares(options.fraction), options.seed)
    return by_source if options.by == "source" else by_field(options.by)


def _rules(options: SplitOptions) -> list[Rule]:
    """The rules asked for, in the order they are applied; what a new rule needs is its option and its lines here.

    Deduplication comes last: the first row of a problem must not hide a second one that passes the other rules.
    """
    chosen: list[Rule] = []
    if options.keep is not None:
        chosen.append(rules.keep(options.keep))
    if options.pass_rate is not None:
        chosen.append(rules.pass_rate_between(*rules.parse_pass_rate(options.pass_rate)))
    if options.max_tokens is not None:
        chosen.append(rules.at_most_tokens(options.max_tokens))
    if options.decontaminate:
        chosen.append(uncontaminated([(name, read_benchmark(name)) for name in options.decontaminate], options.ngram))
    if options.dedup is not None:
        chosen.append(first_seen(options.dedup))
    return chosen
