"""The benchmarks from the command line.

    python -m bench all          every part, then the plots (`make bench`)
    python -m bench thousand     one part; its result goes to docs/performance/thousand.json
    python -m bench plots        draw the plots and fill the tables of docs/performance.md anew

It ends with the figures, and with exit code 1 when one misses its limit.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import growth, idle, machine, one, thousand
from bench.figures import RESULTS, Result, table_of
from bench.options import Options
from worker.servers import turn_away_from_aws

PARTS: Final[Mapping[str, Callable[[Options], Result]]] = {
    "one": one.measure,
    "thousand": thousand.measure,
    "machine": machine.measure,
    "growth": growth.measure,
    "idle": idle.measure,
}


def main() -> int:
    chosen = _chosen()
    turn_away_from_aws()
    console = Console(highlight=False)
    results = []
    for part in _parts(chosen.what):
        console.print(f"Measuring {part} …")
        result = PARTS[part](Options(count=chosen.count, time_scale=chosen.time_scale))
        result.save(chosen.into)
        results.append(result)
    if chosen.what in ("all", "plots"):
        from bench import pages, plots  # matplotlib would add to this process while it measures

        plots.draw_all(chosen.into)
        pages.fill(chosen.into)
    if results:
        console.print(table_of(results))
    return int(any(not one.kept for result in results for one in result.figures))


def _parts(what: str) -> list[str]:
    if what == "all":
        return list(PARTS)
    return [what] if what in PARTS else []


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=(*PARTS, "plots", "all"))
    parser.add_argument("--count", type=int, help="environments, where many are built")
    parser.add_argument("--time-scale", type=float, help="what a second of AWS takes here")
    parser.add_argument(
        "--into", type=Path, default=RESULTS, help="where results and plots go (%(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
