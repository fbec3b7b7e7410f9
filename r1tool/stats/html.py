"""A report as one HTML page that needs nothing else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from r1tool.records.tally import Summary

TOKEN_BINS = 24
MAX_GROUPS = 200
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 2rem } th { text-align: left; font-weight: 600 }
td, th { padding: .15rem .8rem .15rem 0; border-bottom: 1px solid #eee } td.n, th.n { text-align: right }
td.bar { width: 18rem; border: 0 } td.bar div { background: #4477aa; height: .8rem }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } td, th { border-color: #333 } }
"""


def to_html(summary: Summary, report: Mapping[str, Any]) -> str:
    """The page: the figures, verdicts, tokens, how often rows are solved, and each source."""
    tokens = report["tokens"]
    figures = [
        ("rows", report["rows"]),
        ("rows with a right answer", report["rows_correct_any"]),
        ("generations", report["generations"]),
        ("right", report["correct_any"]),
        ("right by the rules", report["correct_math_verify"]),
        ("right by the judge", report["correct_llama"]),
        ("complete", report["complete"]),
        ("truncated", report["truncated"]),
        *((f"tokens, {name}", round(tokens[name])) for name in ("mean", "p50", "p90", "p99", "max")),
    ]
    shares: Counter[str] = Counter()
    for (decided, right), rows in sorted(
        summary.total.solved.items(), key=lambda item: item[0][1] / (item[0][0] or 1)
    ):
        shares["undecided" if not decided else f"{round(100 * right / decided)} %"] += rows
    parts = [
        _table("Figures", figures, bars=False),
        _rates(report),
        _table("Verdicts", list(report["verdicts"].items())),
        _table("Judge", list(report["judge_verdicts"].items())),
        _table("Completion tokens", _bins(summary.total.tokens)),
        _table("Rows by share of right answers", list(shares.items())),
    ]
    for title, groups in [("source", report["sources"]), *report.get("by", {}).items()]:
        parts.append(_groups(title, groups))
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>r1tool stats</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>r1tool stats</h1>\n{body}\n</body>\n</html>\n"
    )


def _rates(report: Mapping[str, Any]) -> str:
    rates = [(f"pass@{k}", value) for k, value in report.get("pass_at", {}).items()]
    rates += [("majority", report["majority"])] if "majority" in report else []
    rows = "".join(
        f'<tr><td>{name}</td><td class="n">{"–" if value is None else f"{value:.1%}"}</td></tr>'
        for name, value in rates
    )
    return f"<h2>Rates</h2>\n<table>{rows}</table>" if rows else ""


def _table(title: str, counts: Sequence[tuple[str, int]], bars: bool = True) -> str:
    if not any(count for _, count in counts):
        return ""
    longest = max(count for _, count in counts)
    rows = []
    for name, count in counts:
        bar = f'<td class="bar"><div style="width:{100 * count / longest:.1f}%"></div></td>' if bars else ""
        rows.append(f'<tr><td>{escape(name)}</td><td class="n">{count:,}</td>{bar}</tr>')
    return f"<h2>{escape(title)}</h2>\n<table>\n" + "\n".join(rows) + "\n</table>"


def _bins(histogram: Counter[int]) -> list[tuple[str, int]]:
    if not histogram:
        return []
    width = max(histogram) // TOKEN_BINS + 1
    counts: Counter[int] = Counter()
    for number, times in histogram.items():
        counts[number // width] += times
    return [(f"{at * width:,} – {(at + 1) * width - 1:,}", counts[at]) for at in range(max(counts) + 1)]


def _groups(title: str, groups: Mapping[str, Mapping[str, Any]]) -> str:
    if not groups:
        return ""
    head = "".join(
        f'<th class="n">{name}</th>' for name in ("rows", "solved", "generations", "right", "median tokens")
    )
    rows = []
    for name, counts in list(groups.items())[:MAX_GROUPS]:
        cells = (counts["rows"], counts["rows_correct_any"], counts["generations"], counts["correct_any"])
        numbers = "".join(f'<td class="n">{number:,}</td>' for number in (*cells, round(counts["tokens"]["p50"])))
        rows.append(f"<tr><td>{escape(name)}</td>{numbers}</tr>")
    more = f"<p>… and {len(groups) - MAX_GROUPS:,} more</p>" if len(groups) > MAX_GROUPS else ""
    title = escape(title)
    return f"<h2>{title}</h2>\n<table>\n<tr><th>{title}</th>{head}</tr>\n" + "\n".join(rows) + f"\n</table>{more}"
