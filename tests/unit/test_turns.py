"""The order in which calls come to their turn."""

import asyncio
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from tasks.aws.turns import Turns, Waiter
from tasks.lease import LOOKING, NORMAL, Flow

BULK, OTHER = Flow("bulk-1"), Flow("bulk-2")
FLOWS = st.sampled_from([BULK, OTHER, NORMAL, LOOKING, Flow("high", is_urgent=True)])


def waiters(*flows: Flow, units: int = 0) -> list[Waiter]:
    loop = asyncio.new_event_loop()
    made = [Waiter(loop.create_future(), flow, units) for flow in flows]
    loop.close()
    return made


def standing(*calls: Waiter) -> Turns:
    turns = Turns()
    for call in calls:
        turns.join(call, at_the_front=False)
    return turns


def taken(turns: Turns) -> list[Waiter]:
    order = []
    while (call := turns.take(0)) is not None:
        order.append(call)
    return order


def test_flows_take_turns() -> None:
    """One of a thousand does not keep another waiting for longer than one call of its own."""
    many = waiters(*[BULK] * 5)
    few = waiters(*[OTHER] * 2)

    assert taken(standing(*many, *few)) == [
        many[0],
        few[0],
        many[1],
        few[1],
        *many[2:],
    ]


def test_who_comes_later_waits_for_one_call_of_each_flow() -> None:
    """And not until all that came before have gone."""
    many = waiters(*[BULK] * 5)
    turns = standing(*many)
    assert turns.take(0) is many[0]
    (single,) = waiters(NORMAL)
    turns.join(single, at_the_front=False)

    assert taken(turns)[:2] == [many[1], single]


def test_urgent_flows_go_first() -> None:
    """Before all others, whoever came first."""
    many, (look,) = waiters(*[BULK] * 3), waiters(LOOKING)

    assert taken(standing(*many, look)) == [look, *many]


def test_a_call_that_is_made_again_goes_before_the_others_of_its_flow() -> None:
    """It had its turn, and AWS refused it."""
    first, second, again = waiters(BULK, BULK, BULK)
    turns = standing(first, second)
    turns.join(again, at_the_front=True)

    assert taken(turns) == [again, first, second]


def test_units_go_to_the_first_for_whom_they_are_enough() -> None:
    """A launch of three does not go for the units of one."""
    (large,), (small,) = waiters(BULK, units=3), waiters(BULK, units=1)
    turns = standing(large, small)

    assert turns.take(1) is small
    assert turns.take(2) is None
    assert turns.take(3) is large


@given(st.lists(FLOWS, max_size=30), st.data())
def test_nobody_is_lost_and_nobody_is_overtaken_in_his_flow(
    flows: list[Flow], data: st.DataObject
) -> None:
    """Whoever leaves; and the order that was foretold is that in which they go."""
    calls = waiters(*flows)
    turns = standing(*calls)
    leaving = data.draw(st.sets(st.sampled_from(calls)) if calls else st.just(set()))
    for call in leaving:
        turns.leave(call)
        turns.leave(call)
    staying = [call for call in calls if call not in leaving]
    foretold = list(turns)
    assert len(turns) == len(staying)

    order = taken(turns)

    assert order == foretold
    by_flow: defaultdict[Flow, list[Waiter]] = defaultdict(list)
    for call in order:
        by_flow[call.flow].append(call)
    assert by_flow == {
        flow: [call for call in staying if call.flow == flow]
        for flow in {call.flow for call in staying}
    }
    assert len(turns) == 0
