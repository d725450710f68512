"""The end of an environment's time to live, as callers and the command line see and move it."""

import math
import re

import pytest

from envwright.cli.app import run
from envwright.errors import NotAllowed, SpecConflict, UnknownEnvironment
from envwright.expiry import ending, warned
from envwright.moments import moment
from envwright.states import State
from envwright.testing import InMemoryClient
from tests.documents import document
from tests.records import outputs_with
from tests.specs import spec_data, with_instances

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@pytest.mark.parametrize(
    ("life", "warning"),
    [(5 * MINUTE, 30), (2 * HOUR, 12 * MINUTE), (10 * DAY, DAY), (300 * DAY, DAY)],
)
def test_the_warning_leaves_a_tenth_of_the_time_and_a_day_at_most(
    life: float, warning: float
) -> None:
    expiry = ending(1000 + life, 1000)

    assert expiry.look_at == pytest.approx(1000 + life - warning)


def test_an_end_can_come_nearer_too(client: InMemoryClient) -> None:
    client.enqueue(spec_data(ttl="8h"))
    soon = client.now() + 10 * MINUTE

    assert client.extend("web", until=soon).expires_at == soon
    assert client.status("web").expires_at == soon


@pytest.mark.parametrize(
    ("until", "why"),
    [
        (-HOUR, "less than 5 minutes ahead.*`envwright down web.eu-west-1`"),
        (4 * MINUTE, "less than 5 minutes ahead"),
        (366 * DAY, "more than 365 days ahead.*`envwright extend web.eu-west-1 --never`"),
    ],
)
def test_an_end_that_is_too_near_or_too_far_is_refused(
    client: InMemoryClient, until: float, why: str
) -> None:
    client.enqueue(spec_data(ttl="8h"))
    before = client.status("web")

    with pytest.raises(NotAllowed, match=why):
        client.extend("web", until=client.now() + until)

    assert client.status("web") == before


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ([State.CLEANING], "is cleaning: a cleanup has begun"),
        ([State.CLEANING, State.CLEANUP_FAILED], "is cleanup_failed: a cleanup has begun"),
        ([State.CLEANING, State.DESTROYED], "is destroyed: AWS holds nothing of it"),
    ],
)
def test_what_is_going_or_gone_is_not_extended(
    client: InMemoryClient, states: list[State], why: str
) -> None:
    client.enqueue(spec_data(ttl="8h"))
    client.finish("web", State.READY)
    for state in states:
        client.finish("web", state)

    with pytest.raises(NotAllowed, match=why):
        client.extend("web", by=HOUR)


@pytest.mark.parametrize("given", [{}, {"by": HOUR, "never": True}, {"by": HOUR, "until": 9e9}])
def test_one_end_is_asked_for_at_a_time(client: InMemoryClient, given: dict[str, float]) -> None:
    client.enqueue(spec_data())

    with pytest.raises(ValueError, match="one of the three"):
        client.extend("web", **given)
    with pytest.raises(UnknownEnvironment):
        client.extend("nobody", by=HOUR)


def test_another_time_to_live_is_no_dead_end(client: InMemoryClient) -> None:
    """It is another spec, and what moves the end of the one there is is said."""
    client.enqueue(spec_data(ttl="8h"))

    with pytest.raises(SpecConflict, match="another `ttl`: `envwright extend` moves its end"):
        client.enqueue(spec_data())
    with pytest.raises(SpecConflict, match="with another spec"):
        client.enqueue(spec_data(tags={"team": "shop"}))


def test_a_callers_test_can_let_an_end_come(client: InMemoryClient) -> None:
    client.enqueue(spec_data(ttl="8h"))
    client.finish("web", State.READY)

    record = client.expire("web")

    assert (record.state, record.run.reason) == (State.CLEANING, "expired")
    with pytest.raises(ValueError, match="has no end"):
        client.expire("web")
    assert client.finish("web", State.DESTROYED).expires_at is None


def test_the_command_moves_the_end_and_says_where_to(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.enqueue(spec_data(ttl="8h"))
    first = client.status("web").expires_at
    assert first is not None

    assert run(["extend", "web", "2h"]) == 0
    later = moment(first + 2 * HOUR)
    assert capsys.readouterr().out == f"web.eu-west-1 is destroyed at {later}, in 10 h 00 min.\n"

    until = moment(first + DAY)
    assert run(["extend", "web", "--until", until, "--json"]) == 0
    shown = document(capsys)
    assert shown["kind"] == "extended"
    assert moment(shown["environment"]["expires_at"]) == until

    assert run(["extend", "web", "--never"]) == 0
    assert "lives until somebody takes it down" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "Give a duration such as 2h, or --until TIME, or --never."),
        (["2h", "--never"], "Give a duration such as 2h, or --until TIME, or --never."),
        (["soon"], "'soon' is no duration"),
        (["0h"], "'0h' is no duration"),
        (["--until", "noon"], "'noon' is no time"),
        (["--until", "2099-01-01T00:00:00"], "does not say in which zone"),
    ],
)
def test_a_mistyped_end_is_told_as_that(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    client.enqueue(spec_data())

    assert run(["extend", "web", *words]) == 2
    assert why in capsys.readouterr().err


def test_status_and_list_say_when_it_ends(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list has a column for it only where an environment has an end."""
    client.enqueue(spec_data("api"))
    assert run(["list"]) == 0
    assert "ends in" not in capsys.readouterr().out

    client.enqueue(spec_data(ttl="8h"))
    assert run(["list"]) == 0
    assert run(["status", "web"]) == 0
    shown = capsys.readouterr().out
    assert "ends in" in shown.splitlines()[0]
    end = client.status("web").expires_at
    assert end is not None
    assert re.search(f"ends      {moment(end)}, in (8 h 00|7 h 59) min", shown)


def test_what_is_protected_is_not_said_to_be_destroyed(
    client: InMemoryClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The warning says what can be done; when the end has passed, so do `list` and `status`."""
    spec = with_instances("ami-760aaa0f", ttl="8h")
    spec["instances"]["web"]["termination_protection"] = True
    client.enqueue(spec)
    record = client.finish("web", State.READY, outputs=outputs_with("i-0000000000000000a"))
    end = record.expires_at
    assert end is not None

    (told,) = warned(record, end, end - HOUR).events

    assert told.message is not None
    assert "is destroyed at" not in told.message
    assert "stays all the same, since instances of web are protected" in told.message
    assert "`envwright down --force web.eu-west-1` takes it down" in told.message
    with pytest.raises(NotAllowed):
        client.expire("web")
    monkeypatch.setattr(client, "now", lambda: end + HOUR)
    assert run(["list"]) == 0
    assert run(["status", "web", "--on-record"]) == 0
    shown = capsys.readouterr().out
    assert "passed" in shown.splitlines()[1]
    assert f"{moment(end)}, which has passed" in shown


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["99999999d"], "more than 365 days ahead"),
        (["--until", "9999-12-31T23:59:59-12:00"], "more than 365 days ahead"),
        (["--until", "0001-01-01T00:00:00+12:00"], "less than 5 minutes ahead"),
    ],
)
def test_an_end_that_no_calendar_has_is_refused_in_a_sentence(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    """Dates have years from 1 to 9999: such an end can be told by no date."""
    client.enqueue(spec_data())

    assert run(["extend", "web", *words]) == 1

    assert why in capsys.readouterr().err


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("given", ["by", "until"])
def test_an_end_is_a_number(client: InMemoryClient, given: str, number: float) -> None:
    """Nothing is written of what is none."""
    client.enqueue(spec_data(ttl="8h"))
    before = client.status("web")

    with pytest.raises(ValueError, match="a finite number"):
        client.extend("web", **{given: number})

    assert client.status("web") == before
