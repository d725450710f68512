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
    axes.legend(loc="lower right")


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


def _cumulative(axes: Axes, times: list[float], total: int, label: str, colour: str) -> None:
    """The times are thinned out: each stands for as many as any other."""
    share = [total * nth / len(times) for nth in range(1, len(times) + 1)]
    axes.plot(sorted(times), share, color=colour, label=label)


PLOTS: Final[Mapping[str, tuple[str, Callable[[Figure, Mapping[str, Any]], None]]]] = {
    "one-time": ("one", _one_time),
    "thousand-ready": ("thousand", _thousand_ready),
    "thousand-memory": ("thousand", _thousand_memory),
}
"""By the name of its file: the part whose result it shows, and what draws it."""
