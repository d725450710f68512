"""The page of the benchmarks shows what was measured, and its limits are computed as it says."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cloud import Calls
from bench.figures import RESULTS, Figure, Result, load
from bench.growth import COSTS, Size
from bench.limit import limit, path, waits
from bench.many_rivals import Attempt
from bench.pages import PAGE, filled
from bench.plots import PLOTS
from bench.side_by_side import Cost
from tests.cloud.buckets import Size as Bucket

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_results() -> None:
    """After a benchmark: `python -m bench plots`."""
    assert filled(TEXT, RESULTS) == TEXT


def test_every_plot_is_shown_and_is_there() -> None:
    shown = set(re.findall(r"\(performance/([\w-]+)\.svg\)", TEXT))

    assert shown == set(PLOTS)
    assert [name for name in shown if not (RESULTS / f"{name}.svg").exists()] == []


def test_a_table_is_made_of_a_saved_result(tmp_path: Path) -> None:
    figures = [Figure("wall time / limit", 1.25, 1.05), Figure("CPU", 41.23, None, "ms each")]
    Result("thousand", {}, figures, {"sides": [{"side": "one", "ready": 1003}]}).save(tmp_path)
    text = (
        "<!-- table thousand figures -->\nold\n<!-- end -->\n"
        "<!-- table thousand sides -->\n<!-- end -->\n"
    )

    assert filled(text, tmp_path) == (
        "<!-- table thousand figures -->\n"
        "| figure | measured | limit |  |\n"
        "| --- | --- | --- | --- |\n"
        "| wall time / limit | 1.25 | ≤ 1.05 | **missed** |\n"
        "| CPU | 41.2 ms each |  |  |\n"
        "<!-- end -->\n"
        "<!-- table thousand sides -->\n"
        "| side | ready |\n"
        "| --- | --- |\n"
        "| one | 1,003 |\n"
        "<!-- end -->\n"
    )
    assert load("thousand", tmp_path)["where"]["cores"] >= 1


@pytest.mark.parametrize(("value", "kept"), [(1.0, True), (1.05, True), (1.051, False)])
def test_a_figure_is_missed_above_its_limit_alone(value: float, kept: bool) -> None:
    assert Figure("any", value, 1.05).kept is kept
    assert Figure("told", value).kept


def test_the_limit_is_the_path_and_the_longest_wait() -> None:
    """Of 1,003 launches the first five go at once, and then two each second."""
    longest, *others = waits(1003)

    assert (longest.action, longest.size, longest.seconds) == ("RunInstances", Bucket(5, 2), 499)
    assert max(one.seconds for one in others) == (1003 - 50) / 5
    assert limit(1003) == path() + 499
    assert 150 < path() < 155, "an instance pends for 30 s and is checked for 120 s"


def test_a_rival_that_built_a_part_is_extrapolated_beside_the_path() -> None:
    cost = Cost(exit_code=0, seconds=0, cpu=0, worker_cpu=0, peak_mib=0, output="")
    part = Attempt(100, 100, {}, seconds=250, cost=cost, calls=Calls.of([]))

    assert part.seconds_for(1000, path=150) == 150 + 10 * (250 - 150)
    assert replace(part, asked=1000).seconds_for(1000, path=150) == 250


def test_growth_is_judged_from_where_it_must_be_flat() -> None:
    """What ten cost is told and not judged, and the memory of a worker once it is full."""
    few = Size(10, 1, calls=20, cpu=90, peak_mib=80, redis_bytes=9, emulator_cpu=1)
    some = replace(few, count=100, calls=10, cpu=30, peak_mib=90)
    many = replace(some, count=1000, calls=11, cpu=33, peak_mib=150)
    most = replace(many, count=5000, peak_mib=165)

    spreads = {cost.name: cost.spread([few, some, many, most]) for cost in COSTS}
    assert spreads == {
        "calls each": 1.1,
        "CPU each": 1.1,
        "bytes in Redis each": 1.0,
        "memory of the worker": 1.1,
    }
