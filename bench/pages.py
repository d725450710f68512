"""The tables of docs/performance.md, made of the results.

Between `<!-- table thousand figures -->` and `<!-- end -->` stands the table `figures` of the
result `thousand`; that of `all` has whatever of all results is held to a limit.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.figures import load, shown
from worker.processes import ROOT

_PARTS: Final = ("one", "thousand", "machine", "growth", "idle")

PAGE: Final = ROOT / "docs" / "performance.md"
_TABLE: Final = re.compile(r"(<!-- table (\w+) (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(results: Path) -> None:
    """Write the tables of these results into the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


def filled(text: str, results: Path) -> str:
    """The text with all its tables made anew."""

    def table(found: re.Match[str]) -> str:
        begin, part, name, end = found.groups()
        rows = _held(results) if part == "all" else _rows(load(part, results), name)
        return begin + _markdown(rows) + end

    return _TABLE.sub(table, text)


def _rows(told: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    if name == "figures":
        return [_figure(one) for one in told["figures"]]
    if name == "where":
        return [{"what": key, "on": _words(one)} for key, one in told["where"].items()]
    if name == "settings":
        return [{"setting": key, "value": _words(one)} for key, one in told["settings"].items()]
    rows: Sequence[Mapping[str, Any]] = told["tables"][name]
    return rows


def _held(results: Path) -> Sequence[Mapping[str, Any]]:
    """Of all results, the figures that have a limit."""
    return [
        {"part": part} | _figure(one)
        for part in _PARTS
        for one in load(part, results)["figures"]
        if one["limit"] is not None
    ]


def _figure(told: Mapping[str, Any]) -> Mapping[str, str]:
    limit = told["limit"]
    if limit is None:
        at_most, verdict = "", ""
    else:
        at_most, verdict = f"≤ {shown(limit)}", "kept" if told["value"] <= limit else "**missed**"
    value = f"{shown(told['value'])} {told['unit']}".strip()
    return {"figure": told["name"], "measured": value, "limit": at_most, "": verdict}


def _words(told: Any) -> str:
    if isinstance(told, Mapping):
        return ", ".join(f"{key} {_words(one)}" for key, one in told.items())
    if isinstance(told, bool) or not isinstance(told, int | float):
        return str(told)
    return shown(told)


def _markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    head = list(rows[0])
    lines = [_line(head), _line(["---"] * len(head))]
    lines += [_line(_words(row[name]) for name in head) for row in rows]
    return "".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
