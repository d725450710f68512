"""The end of an environment's time to live is moved, against a real Redis."""

from collections.abc import Callable
from typing import Any

import pytest

from envwright.client import Client
from envwright.errors import NotAllowed
from envwright.expiry import Extension, extended
from envwright.record import Event
from envwright.states import State
from envwright.store import Store
from tasks.expiry import carry_out_ends
from tests.desk import HOUR, WEB, Desk, Moment
from tests.records import changing


def extensions(desk: Desk) -> list[Event]:
    """What the history tells of them."""
    return [one for one in desk.told() if one.type == "extended"]


def beforehand(changed: Callable[[], object], method: str) -> Any:
    """This method of the store, before whose first call something is changed."""
    real, todo = getattr(Store, method), [changed]

    def replacement(store: Store, wanted: Any) -> Any:
        if todo:
            todo.pop()()
        return real(store, wanted)

    return replacement


def test_an_extension_wins_over_an_end_that_is_about_to_come(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written between the sweep's look at the record and its write."""
    desk.accept(ttl="2h")
    desk.set_fields(state=State.READY)
    desk.bring_end(-1, warned=True)
    monkeypatch.setattr(Store, "accept", changing(lambda: client.extend(WEB, by=HOUR)))

    carry_out_ends(desk.store, 10)

    record = desk.record()
    assert record.state is State.READY
    assert [one.type for one in desk.told()[1:]] == ["extended"]
    assert record.expiry is not None
    assert desk.look_at() == record.expiry.warn_at


def test_an_extension_is_refused_where_the_end_came_first(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody is told that it was moved."""
    desk.accept(ttl="2h")
    desk.bring_end(-1, warned=True)
    came = beforehand(lambda: carry_out_ends(desk.store, 10), "move_expiry")
    monkeypatch.setattr(Store, "move_expiry", came)

    with pytest.raises(NotAllowed, match="a cleanup has begun"):
        client.extend(WEB, by=HOUR)

    assert desk.look_at() is None
    assert extensions(desk) == []


def test_an_extension_is_refused_where_somebody_took_it_down_meanwhile(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cleanup leaves the end as it is, so it is the run that tells."""
    desk.accept(ttl="2h")
    before = desk.record().expiry
    asked = beforehand(lambda: client.destroy(WEB), "move_expiry")
    monkeypatch.setattr(Store, "move_expiry", asked)

    with pytest.raises(NotAllowed, match="a cleanup has begun"):
        client.extend(WEB, by=HOUR)

    assert desk.record().expiry == before


def test_an_extension_that_redis_is_sent_twice_is_one(desk: Desk) -> None:
    """As after a connection that broke before the answer: it is found, and answered alike."""
    desk.accept(ttl="2h")
    moved = extended(desk.record(), Extension(by=HOUR), desk.store.now())
    assert moved is not None

    assert [desk.store.move_expiry(moved), desk.store.move_expiry(moved)] == [True, True]
    assert len(extensions(desk)) == 1


def test_two_extensions_at_once_add_up(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.accept(ttl="2h")
    first = desk.record().expires_at
    assert first is not None
    other = beforehand(lambda: client.extend(WEB, by=HOUR), "move_expiry")
    monkeypatch.setattr(Store, "move_expiry", other)

    client.extend(WEB, by=HOUR)

    assert desk.record().expires_at == pytest.approx(first + 2 * HOUR)


def test_an_end_that_is_there_already_is_not_told_again(desk: Desk, client: Client) -> None:
    """Asking once more for the same time changes nothing; nor does a write that is repeated."""
    desk.accept(ttl="2h")
    until = desk.store.now() + HOUR

    first, second = client.extend(WEB, until=until), client.extend(WEB, until=until)

    assert first.expires_at == second.expires_at == until
    assert len(extensions(desk)) == 1


def test_an_environment_without_an_end_gets_one(desk: Desk, client: Client) -> None:
    """Also one whose record version 0.1.0 wrote; and loses it again."""
    desk.accept()
    desk.redis.hdel(desk.keys.record(WEB), "expiry", "expiry_id")

    with Moment(desk) as then:
        record = client.extend(WEB, by=HOUR)
    assert then.is_when(record.expires_at, HOUR)
    assert desk.record() == record

    assert client.extend(WEB, never=True).expires_at is None
    assert (desk.record().expires_at, desk.look_at()) == (None, None)
