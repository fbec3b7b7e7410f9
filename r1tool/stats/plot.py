"""A Summary as four charts in one picture."""

from collections import Counter
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from r1tool.errors import USAGE, R1Error
from r1tool.progress import counted
from r1tool.records.tally import Summary

TOKEN_BINS = 40
SHARE_BINS = 10
MAX_BARS = 10
FORMATS = (".png", ".svg", ".pdf")


def check_plot(path: Path) -> None:
    """Raises R1Error where `path` is no picture's name or matplotlib is missing."""
    if path.suffix.lower() not in FORMATS:
        raise R1Error(f"{path}: the name of a plot must end in .png, .svg or .pdf", USAGE)
    if find_spec("matplotlib") is None:
        raise R1Error("--plot needs the package matplotlib; install it with: pip install 'r1tool[plot]'")


def plot(summary: Summary, report: Mapping[str, Any], path: Path) -> None:
    """Write the picture: tokens, share of right answers per row, verdicts, sources. Raises R1Error."""
    check_plot(path)
    import matplotlib

    matplotlib.use("Agg")
    # the same numbers make the same file
    matplotlib.rcParams["svg.hashsalt"] = "r1tool"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(11, 7), layout="constrained")
    figure.suptitle(f"{counted(report['rows'], 'row')}, {counted(report['generations'], 'generation')}")
    _histogram(axes[0][0], "completion tokens", "generations", summary.total.tokens, TOKEN_BINS)
    shares = [((right / decided), rows) for (decided, right), rows in summary.total.solved.items() if decided]
    axes[0][1].hist(
        [share for share, _ in shares],
        bins=SHARE_BINS,
        range=(0, 1),
        weights=[rows for _, rows in shares],
    )
    axes[0][1].set(xlabel="share of right answers", ylabel="rows")
    _bars(axes[1][0], "generations", report["verdicts"])
    _bars(axes[1][1], "rows", {name: counts["rows"] for name, counts in report["sources"].items()})
    try:
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise R1Error(f"{path}: cannot write: {error.strerror}") from None
    finally:
        pyplot.close(figure)


def _histogram(axis: Any, x: str, y: str, histogram: Counter[int], bins: int) -> None:
    axis.hist(list(histogram), bins=bins, weights=list(histogram.values()))
    axis.set(xlabel=x, ylabel=y)


def _bars(axis: Any, x: str, counts: Mapping[str, int]) -> None:
    shown = dict(list(counts.items())[:MAX_BARS])
    if len(counts) > MAX_BARS:
        shown[f"{len(counts) - MAX_BARS} more"] = sum(list(counts.values())[MAX_BARS:])
    # a dollar sign would begin a formula
    axis.barh([name.replace("$", r"\$")[:30] for name in shown], list(shown.values()))
    axis.invert_yaxis()
    axis.set(xlabel=x)
