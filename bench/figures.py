"""What a benchmark finds: figures with the limits they must keep to, and all that was measured."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from bench.facts import facts
from worker.processes import ROOT

RESULTS: Final = ROOT / "docs" / "performance"


@dataclass(frozen=True)
class Figure:
    """One number that was promised; with no limit it is only told."""

    name: str
    value: float
    limit: float | None = None
    """The most that it may be."""
    unit: str = ""

    @property
    def kept(self) -> bool:
        return self.limit is None or self.value <= self.limit


@dataclass(frozen=True)
class Result:
    """What one benchmark found."""

    part: str
    settings: Mapping[str, Any]
    """All that could have been chosen otherwise."""
    figures: Sequence[Figure]
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What the page shows beside them: by name, rows of cells by heading."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """What the plots are drawn from."""

    def save(self, folder: Path) -> Path:
        """Write it as JSON, with the machine it was measured on. Returns the file."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.part}.json"
        told = {"part": self.part, "where": facts()} | asdict(self)
        file.write_text(json.dumps(_rounded(told), indent=1) + "\n", encoding="utf-8")
        return file


def load(part: str, folder: Path = RESULTS) -> dict[str, Any]:
    """What a benchmark has saved. Raises `FileNotFoundError` where it has not run."""
    told: dict[str, Any] = json.loads((folder / f"{part}.json").read_text(encoding="utf-8"))
    return told


def table_of(results: Sequence[Result]) -> Table:
    """All figures, for the terminal."""
    table = Table("part", "figure", "value", "limit", "", box=None, pad_edge=False)
    for result in results:
        for one in result.figures:
            limit = "" if one.limit is None else f"≤ {shown(one.limit)}"
            verdict = "" if one.limit is None else "kept" if one.kept else "[bold red]MISSED[/]"
            value = f"{shown(one.value)} {one.unit}".strip()
            table.add_row(result.part, one.name, value, limit, verdict)
    return table


def shown(number: float) -> str:
    """Three digits that count, or all of those before the point."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _rounded(told: Any) -> Any:
    """Without digits that are noise."""
    if isinstance(told, float):
        return float(f"{told:.5g}") if abs(told) < 1e5 else round(told, 1)
    if isinstance(told, Mapping):
        return {key: _rounded(one) for key, one in told.items()}
    if isinstance(told, list | tuple):
        return [_rounded(one) for one in told]
    return told
