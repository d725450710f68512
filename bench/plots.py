"""The plots of docs/performance.md, drawn from the results."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.figures import load

BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#777777"
"""Colours that the colour-blind can tell apart."""

_STYLE: Final[dict[str, Any]] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    # Text stays text, and the same result gives the same file.
    "svg.fonttype": "none",
    "svg.hashsalt": "envwright",
}


def draw_all(results: Path) -> None:
    """Draw, beside the results, what there are results for."""
    with mpl.rc_context(_STYLE):
        for name, (part, draw) in PLOTS.items():
            if (results / f"{part}.json").exists():
                figure = Figure(figsize=(7, 3.6), layout="constrained")
                draw(figure, load(part, results))
                figure.savefig(results / f"{name}.svg", facecolor="white", metadata={"Date": None})


def _thousand_ready(figure: Figure, told: Mapping[str, Any]) -> None:
    """How many are ready over time, and the limit's line."""
    axes = figure.subplots()
    measured = told["measured"]
    one = measured["one"]
    _cumulative(axes, one["launches"], one["calls"]["RunInstances"], "launched", ORANGE)
    _cumulative(axes, one["ready"], told["settings"]["environments"], "ready", BLUE)
    axes.axvline(measured["limit"], color=RED, linestyle="--", label="limit that AWS's buckets set")
    axes.set(xlabel="seconds of AWS", ylabel="environments", xlim=(0, None), ylim=(0, None))
    axes.legend(loc="upper left")


def _thousand_memory(figure: Figure, told: Mapping[str, Any]) -> None:
    axes = figure.subplots()
    (line,) = told["measured"]["one"]["memory"]
    axes.plot(*zip(*line, strict=True), color=BLUE, label="the worker")
    axes.axhline(250, color=RED, linestyle="--", label="limit")
    axes.set(xlabel="seconds of AWS", ylabel="memory, MiB", xlim=(0, None), ylim=(0, None))
    axes.legend(loc="lower right")


def _one_time(figure: Figure, told: Mapping[str, Any]) -> None:
    """How long each side took, and what nobody can be faster than."""
    paths = {row["shape"]: row["seconds"] for row in told["tables"]["path"]}
    for axes, (shape, path) in zip(figure.subplots(1, len(paths)), paths.items(), strict=True):
        rows = [row for row in reversed(told["tables"]["sides"]) if row["shape"] == shape]
        colours = [BLUE if row["side"] == "envwright" else GREY for row in rows]
        axes.barh([row["side"] for row in rows], [row["seconds"] for row in rows], color=colours)
        line = axes.axvline(path, color=RED, linestyle="--", label="critical path")
        axes.set(title=shape, xlabel="seconds to ready", axisbelow=True)
        axes.grid(visible=False, axis="y")
    figure.legend(handles=[line], loc="outside lower left")
    for axes in figure.axes[1:]:
        axes.set_yticklabels([])


def _growth(figure: Figure, told: Mapping[str, Any]) -> None:
    """Each cost by how many there are, and the most that it may be."""
    sizes = told["measured"]["sizes"]
    counts = [one["count"] for one in sizes]
    for axes, (name, field, flat_from) in zip(
        figure.subplots(2, 2, sharex=True).flat, _COSTS, strict=True
    ):
        costs = [one[field] for one in sizes]
        judged = [one[field] for one in sizes if one["count"] >= flat_from]
        axes.semilogx(counts, costs, color=BLUE, marker="o")
        axes.hlines(
            1.2 * min(judged), flat_from, counts[-1], color=RED, linestyle="--", label="limit"
        )
        axes.set(title=name, ylim=(0, 1.15 * max(*costs, 1.2 * min(judged))))
        axes.set_xticks(counts, [f"{one:,}" for one in counts])
        axes.minorticks_off()
    figure.supxlabel("environments")
    figure.axes[0].legend(loc="lower left")


_COSTS: Final = (
    ("calls to AWS, each", "calls", 100),
    ("CPU of the worker, ms each", "cpu", 100),
    ("bytes in Redis, each", "redis_bytes", 100),
    ("peak memory of the worker, MiB", "peak_mib", 1000),
)


def _cumulative(axes: Axes, times: list[float], total: int, label: str, colour: str) -> None:
    """The times are thinned out: each stands for as many as any other."""
    share = [total * nth / len(times) for nth in range(1, len(times) + 1)]
    axes.plot(sorted(times), share, color=colour, label=label)


PLOTS: Final[Mapping[str, tuple[str, Callable[[Figure, Mapping[str, Any]], None]]]] = {
    "one-time": ("one", _one_time),
    "thousand-ready": ("thousand", _thousand_ready),
    "thousand-memory": ("thousand", _thousand_memory),
    "growth": ("growth", _growth),
}
"""By the name of its file: the part whose result it shows, and what draws it."""
