"""The worker's transport: what it keeps in Redis of a message, and what that costs."""

import json
from collections.abc import Iterator
from time import time
from typing import Any

import pytest
import redis
from kombu import Connection
from kombu.transport.redis import QoS as KombuQoS

from worker.broker import Channel, Transport


@pytest.fixture
def channel(redis_url: str, key_prefix: str) -> Iterator[Channel]:
    """A channel as a worker has it, on keys of the test's own."""
    own = {"unacked_key": f"{key_prefix}:unacked", "unacked_index_key": f"{key_prefix}:index"}
    transport = f"{Transport.__module__}:{Transport.__name__}"
    with Connection(redis_url, transport=transport, transport_options=own) as connection:
        yield connection.default_channel


@pytest.fixture
def queue(key_prefix: str) -> str:
    return key_prefix


def deliver(channel: Channel, queue: str) -> Any:
    """Send a message, and take it."""
    channel.basic_publish(channel.prepare_message("body"), "", queue)
    return channel.basic_get(queue)


def kept(database: redis.Redis, channel: Channel) -> tuple[dict[str, Any], dict[str, float]]:
    """The messages that are delivered and not acknowledged, and since when."""
    times = dict(database.zrange(channel.unacked_index_key, 0, -1, withscores=True))
    messages = database.hgetall(channel.unacked_key)
    return {tag: json.loads(one) for tag, one in messages.items()}, times


def test_a_message_is_kept_until_it_is_acknowledged(
    channel: Channel, queue: str, database: redis.Redis
) -> None:
    """In kombu's own form: a worker that dies leaves it to others, of whatever version."""
    message = deliver(channel, queue)
    ours, times = kept(database, channel)
    KombuQoS.append(channel.qos, message, message.delivery_tag)
    theirs, _ = kept(database, channel)

    assert ours == theirs
    assert [*ours] == [*times] == [message.delivery_tag]
    assert times[message.delivery_tag] == pytest.approx(time(), abs=5)
    assert message.delivery_tag in channel.qos._delivered

    message.ack()
    assert kept(database, channel) == ({}, {})
    channel.qos._flush()
    assert message.delivery_tag not in channel.qos._delivered


def test_a_message_that_is_given_back_comes_again(
    channel: Channel, queue: str, database: redis.Redis
) -> None:
    message = deliver(channel, queue)

    message.requeue()

    assert kept(database, channel) == ({}, {})
    again = channel.basic_get(queue)
    assert again.delivery_tag == message.delivery_tag
    assert again.delivery_info["redelivered"] is True
    again.ack()


def calls(database: redis.Redis, *commands: str) -> list[int]:
    stats = database.info("commandstats")
    return [stats.get(f"cmdstat_{one}", {"calls": 0})["calls"] for one in commands]


def test_to_keep_a_message_and_to_let_it_go_are_two_scripts(
    channel: Channel, queue: str, database: redis.Redis
) -> None:
    """And no transactions: those would be eight commands, and as many answers to read."""
    deliver(channel, queue).ack()  # Redis has the scripts now
    before = calls(database, "evalsha", "multi")

    for _ in range(5):
        deliver(channel, queue).ack()

    assert calls(database, "evalsha", "multi") == [before[0] + 10, before[1]]


def test_a_redis_that_was_restarted_is_told_the_scripts_again(
    channel: Channel, queue: str, database: redis.Redis
) -> None:
    """It has lost them; no message is, or stays for ever as one that is not acknowledged."""
    deliver(channel, queue).ack()

    database.script_flush()
    message = deliver(channel, queue)
    assert [*kept(database, channel)[0]] == [message.delivery_tag]
    database.script_flush()
    message.ack()

    assert kept(database, channel) == ({}, {})


def test_all_commands_go_over_one_connection(
    channel: Channel, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To take one from the pool, and give it back, costs as much as the command itself."""
    deliver(channel, queue).ack()

    def taken(*_: object) -> None:
        raise AssertionError("a connection was taken from the pool")

    monkeypatch.setattr(channel.pool, "get_connection", taken)
    for _ in range(5):
        deliver(channel, queue).ack()


def test_a_connection_that_was_closed_meanwhile_is_made_anew(
    channel: Channel, queue: str, database: redis.Redis
) -> None:
    """As Redis does with one that was idle for long: no acknowledgement is lost by it."""
    message = deliver(channel, queue)
    with channel.conn_or_acquire() as client:
        assert database.client_kill_filter(_id=client.client_id()) == 1

    message.ack()

    assert kept(database, channel) == ({}, {})


def test_after_a_break_everything_is_made_anew(
    channel: Channel, queue: str, database: redis.Redis
) -> None:
    """kombu drops the pool then; a client that is kept must not hold on to the old one."""
    deliver(channel, queue).ack()
    with channel.conn_or_acquire() as before:
        channel._disconnect_pools()

    deliver(channel, queue).ack()

    with channel.conn_or_acquire() as after:
        assert after is not before
        assert after.connection_pool is channel.pool


def test_once_redis_did_not_answer_nobody_waits_for_it_on_this_channel_again(
    channel: Channel, queue: str, database: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each acknowledgement would wait as long again, one after the other."""
    first, second = deliver(channel, queue), deliver(channel, queue)

    def silent(*_: object) -> None:
        raise redis.TimeoutError("Timeout reading from socket")

    with monkeypatch.context() as patch:
        patch.setattr(channel.qos, "_run", silent)
        with pytest.raises(redis.TimeoutError):
            first.ack()
    before = calls(database, "evalsha")

    with pytest.raises(redis.ConnectionError, match="did not answer"):
        second.ack()

    assert calls(database, "evalsha") == before
