"""A report as text of at most 80 columns."""

from collections.abc import Mapping
from typing import Any

from r1tool.progress import counted

WIDTH = 80
MAX_GROUPS = 20
NAME_WIDTH = 24


def to_text(report: Mapping[str, Any]) -> str:
    """The object of `report()` as aligned text."""
    blocks = [_overview(report), _verdicts(report)]
    if extras := _extras(report):
        blocks.append(extras)
    for title, groups in [("source", report["sources"]), *report.get("by", {}).items()]:
        if groups:
            blocks.append(_groups(title, groups))
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _overview(report: Mapping[str, Any]) -> list[str]:
    rows, generations, tokens = report["rows"], report["generations"], report["tokens"]
    right = f"by the rules {report['correct_math_verify']:,}, by the judge {report['correct_llama']:,}"
    return [
        _line("rows", rows),
        _line("  with a right answer", report["rows_correct_any"], rows),
        _line("generations", generations, note=f"{_ratio(generations, rows):.1f} per row"),
        _line("  right", report["correct_any"], generations, right),
        _line("  complete", report["complete"], generations),
        _line("  truncated", report["truncated"], generations),
        _line("tokens, mean", round(tokens["mean"]), note=f"above 8,192: {tokens['share_over_8k']:.1%}"),
        _line("  median", round(tokens["p50"])),
        _line("  90th percentile", round(tokens["p90"])),
        _line("  99th percentile", round(tokens["p99"])),
        _line("  longest", tokens["max"]),
    ]


def _verdicts(report: Mapping[str, Any]) -> list[str]:
    lines = []
    for title, counts in (("verdicts", report["verdicts"]), ("judge", report["judge_verdicts"])):
        total = sum(counts.values())
        if total:
            lines.append(_line(title, total))
            lines += [_line(f"  {name.lower()}", count, total) for name, count in counts.items() if count]
    return lines or [_line("verdicts", 0)]


def _extras(report: Mapping[str, Any]) -> list[str]:
    lines = []
    for k, value in report.get("pass_at", {}).items():
        left_out = report["pass_at_left_out"][k]
        note = f"{counted(left_out, 'row')} with fewer than {k} left out" if left_out else ""
        lines.append(f"{f'pass@{k}':<22}{_share(value):>11}  {note}".rstrip())
    if "majority" in report:
        lines.append(f"{'majority':<22}{_share(report['majority']):>11}")
    if report["gpu_hours"]:
        lines.append(f"{'GPU hours':<22}{report['gpu_hours']:>11,.2f}")
    if "gpus" in report:
        rate = report["generations_per_hour_per_gpu"]
        shown = "-" if rate is None else f"{rate:,.1f}"
        lines.append(
            f"{'generations/hour/GPU':<22}{shown:>11}  {report['hours']:,.2f} h on {counted(report['gpus'], 'GPU')}"
        )
    return lines


def _groups(title: str, groups: Mapping[str, Mapping[str, Any]]) -> list[str]:
    shown = list(groups.items())[:MAX_GROUPS]
    width = min(max(len(title), *(len(name) for name, _ in shown)), NAME_WIDTH)
    lines = [
        f"{title[:NAME_WIDTH]:<{width}}{'rows':>10}{'solved':>9}{'generations':>13}{'right':>9}{'median tokens':>15}"
    ]
    for name, counts in shown:
        short = name if len(name) <= width else f"{name[: width - 1]}…"
        lines.append(
            f"{short:<{width}}{counts['rows']:>10,}{_percent(counts['rows_correct_any'], counts['rows']):>9}"
            f"{counts['generations']:>13,}{_percent(counts['correct_any'], counts['generations']):>9}"
            f"{round(counts['tokens']['p50']):>15,}"
        )
    if len(groups) > MAX_GROUPS:
        lines.append(f"… and {len(groups) - MAX_GROUPS:,} more (--json prints them all)")
    return lines


def _line(name: str, count: int, whole: int | None = None, note: str = "") -> str:
    share = _percent(count, whole) if whole is not None else ""
    return f"{name:<22}{count:>11,}{share:>9}  {note}".rstrip()


def _percent(part: int, whole: int) -> str:
    return f"{_ratio(part, whole):.1%}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
