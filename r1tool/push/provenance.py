"""How the generations came about, as far as the rows tell."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from r1tool.progress import counted

PARAMETERS = ("model", "engine", "engine_version", "temperature", "top_p", "max_tokens", "template_sha", "r1tool")
"""Keys of `sampling` that a card tells; the others differ from row to row."""
MAX_VALUES = 8


class Provenance:
    """The values each sampling parameter had, and in how many rows."""

    def __init__(self) -> None:
        self.values: dict[str, Counter[str]] = {name: Counter() for name in PARAMETERS}

    def see(self, values: Mapping[str, Any]) -> None:
        """Take in one row of plain JSON values."""
        sampling = values.get("sampling")
        if not isinstance(sampling, dict):
            return
        for name in PARAMETERS:
            if sampling.get(name) is not None:
                self.values[name][str(sampling[name])] += 1

    def lines(self) -> list[tuple[str, str]]:
        """Parameter and value, with the rows of each where there are several, for what was recorded."""
        told = []
        for name, counts in self.values.items():
            most = counts.most_common(MAX_VALUES)
            if len(most) == 1:
                told.append((name, most[0][0]))
            elif most:
                more = ", …" if len(counts) > MAX_VALUES else ""
                told.append((name, ", ".join(f"{value} ({counted(rows, 'row')})" for value, rows in most) + more))
        return told
