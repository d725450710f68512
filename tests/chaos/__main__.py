"""The crash matrix, the seeds of random faults and the measure of recovery, from the command line.

    python -m tests.chaos all            all of it (`make chaos`)
    python -m tests.chaos matrix         every call, and every way in which it goes wrong
    python -m tests.chaos cell TEXT      the cells whose names hold this text
    python -m tests.chaos seeds          a thousand seeds, or `--first 200 --count 50`
    python -m tests.chaos seed 17        one seed again, with its plan
    python -m tests.chaos recovery       how long a worker's death holds environments up

Faults are told as they are found. It ends with one line of counts, and with exit code 1 when a
promise was broken.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final

from envwright.spec import parse_spec
from tests.chaos import matrix, recovery, seeds
from tests.chaos.arena import AT_ONCE, Arena, arena
from tests.chaos.outcome import Outcome, Tally
from tests.chaos.plan import plan
from tests.everything import EVERYTHING
from worker.servers import turn_away_from_aws

_SEEDS: Final = 1000
_DEATHS: Final = 20
_TOLD_EVERY: Final = 50


class Told(Tally):
    """Tells faults at once, and how far it has come."""

    def add(self, outcome: Outcome) -> None:
        super().add(outcome)
        for fault in outcome.verdict.faults:
            say(fault)
        if self.total.played % _TOLD_EVERY == 0:
            say(f"… {self.told()}")


async def play_matrix(worlds: Arena, text: str = "") -> Told:
    """Every cell there is whose name holds this text."""
    spec = parse_spec(EVERYTHING)
    clean = await matrix.clean_run(worlds, spec)
    tally = Told("cells")
    cells = [cell for cell in clean.cells() if text in str(cell)]
    await matrix.play(worlds, spec, clean, cells, tally)
    return tally


async def play_seeds(worlds: Arena, numbers: Sequence[int]) -> Told:
    """Each of these seeds, once."""
    manifests = await seeds.manifests_of(worlds, numbers)
    tally = Told("seeds")
    await seeds.play(worlds, manifests, numbers, tally)
    return tally


async def play(chosen: argparse.Namespace) -> int:
    """Play what the command line says, and return the exit code."""
    lines: list[str] = []
    broken = False
    async with arena(chosen.at_once) as worlds:
        if chosen.what in ("all", "matrix", "cell"):
            cells = await play_matrix(worlds, chosen.which or "")
            lines.append(cells.told())
            broken |= not cells.total.verdict.is_clean
        if chosen.what in ("all", "seeds", "seed"):
            found = await play_seeds(worlds, _numbers(chosen))
            lines.append(found.told())
            broken |= not found.total.verdict.is_clean
        if chosen.what in ("all", "recovery"):
            measured = await recovery.measure(worlds, chosen.deaths)
            lines.append(measured.told())
            broken |= measured.p95 > recovery.ALLOWED
    say("; ".join(lines))
    return int(broken)


def _numbers(chosen: argparse.Namespace) -> Sequence[int]:
    if chosen.what == "seed":
        number = int(chosen.which)
        say(str(plan(number)))
        return [number]
    return range(chosen.first, chosen.first + chosen.count)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("all", "matrix", "cell", "seeds", "seed", "recovery"))
    parser.add_argument("which", nargs="?", help="the seed, or a text in the names of cells")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--count", type=int, default=_SEEDS, help="how many seeds")
    parser.add_argument("--deaths", type=int, default=_DEATHS, help="for `recovery`")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="worlds side by side")
    chosen = parser.parse_args()
    if (chosen.what in ("seed", "cell")) != (chosen.which is not None):
        parser.error("`seed` takes a number, `cell` a text, and the others nothing")
    return chosen


def main() -> int:
    chosen = _chosen()
    turn_away_from_aws()
    begun = time.monotonic()
    code = asyncio.run(play(chosen))
    say(f"It took {time.monotonic() - begun:.0f} s.")
    return code


if __name__ == "__main__":
    sys.exit(main())
