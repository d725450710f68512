"""Part of the crash matrix and some of the seeds; all of them are `make chaos`."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from envwright.spec import parse_spec
from tests.chaos import matrix, seeds
from tests.chaos.arena import Arena, arena
from tests.chaos.outcome import Tally
from tests.chaos.strike import Trouble
from tests.everything import EVERYTHING

CELLS = 6
"""Of each trouble, however many kinds there are: each of them adds cells to the matrix, and none to
CI's minutes."""
SEEDS = range(1, 13)


@pytest.fixture
async def worlds() -> AsyncIterator[Arena]:
    async with arena() as one:
        yield one


@pytest.mark.timeout(600)
async def test_whatever_dies_at_whichever_call_there_is_one_of_each_or_nothing(
    worlds: Arena,
) -> None:
    """Cells drawn from the crash matrix: nothing leaked, doubled or lost, the events true."""
    spec = parse_spec(EVERYTHING)
    clean = await matrix.clean_run(worlds, spec)
    every = sorted(clean.cells(), key=str)
    draw = Random(1)  # noqa: S311 - it is to be predictable
    cells = [
        cell
        for trouble in Trouble
        for cell in draw.sample([one for one in every if one.trouble is trouble], CELLS)
    ]

    tally = Tally("cells")
    await matrix.play(worlds, spec, clean, cells, tally)

    assert tally.total.verdict.faults == []
    assert tally.total.played == len(cells)
    assert tally.total.kills == sum(cell.trouble.kills for cell in cells) > 0


@pytest.mark.timeout(600)
async def test_whatever_happens_at_random_there_is_one_of_each_or_nothing(worlds: Arena) -> None:
    """A dozen seeds of random faults; `python -m tests.chaos seed N` plays one of them again."""
    manifests = await seeds.manifests_of(worlds, SEEDS)

    tally = Tally("seeds")
    await seeds.play(worlds, manifests, SEEDS, tally)

    assert tally.total.verdict.faults == []
    assert tally.total.played == len(SEEDS)
