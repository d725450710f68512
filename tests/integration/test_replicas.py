"""Replicas of Redis: a caller may ask that they have its request before it counts as accepted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from envwright.client import Client
from envwright.errors import StoreUnavailable
from tests.specs import spec
from worker.processes import wait_until
from worker.servers import LocalRedis


@pytest.fixture
def replica(own_redis: LocalRedis, tmp_path: Path) -> Iterator[LocalRedis]:
    """A replica of the test's own Redis that has all of it."""
    (tmp_path / "replica").mkdir()
    one = LocalRedis(tmp_path / "replica")
    one.start()
    with one.client() as database:
        database.replicaof("127.0.0.1", own_redis.port)
        wait_until(
            lambda: database.info("replication")["master_link_status"] == "up",
            30,
            "the replica follows",
        )
    yield one
    one.child.kill()


def test_what_was_promised_is_with_a_replica(own_redis: LocalRedis, replica: LocalRedis) -> None:
    with Client(redis_url=own_redis.url, redis_replicas=1, redis_timeout=10) as careful:
        ticket = careful.enqueue(spec())

    own_redis.child.kill()
    with Client(redis_url=replica.url) as client:
        assert client.status("web").run.id == ticket.run_id


def test_what_no_replica_has_is_not_promised(own_redis: LocalRedis, replica: LocalRedis) -> None:
    """However often it is asked for; and once a replica is there again, it is."""
    with (
        Client(redis_url=own_redis.url, redis_replicas=1, redis_timeout=1) as careful,
        replica.client() as other,
    ):
        other.replicaof("NO", "ONE")
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"0 of 1 replicas said .*again is safe"):
                careful.enqueue(spec())

        other.replicaof("127.0.0.1", own_redis.port)
        with Client(redis_url=own_redis.url, redis_replicas=1, redis_timeout=20) as patient:
            ticket = patient.enqueue(spec())
        assert not ticket.accepted


def test_a_pause_that_no_replica_has_is_not_promised(
    own_redis: LocalRedis, replica: LocalRedis
) -> None:
    """A failover might lose it, and let members in: so it is with a resumed bulk, too."""
    with (
        Client(redis_url=own_redis.url, redis_replicas=1, redis_timeout=1) as careful,
        replica.client() as other,
    ):
        with Client(redis_url=own_redis.url) as trusting:
            bulk_id = trusting.enqueue_bulk([spec()]).id
        other.replicaof("NO", "ONE")
        for ask in (careful.pause_bulk, careful.resume_bulk):
            with pytest.raises(StoreUnavailable, match="0 of 1 replicas said"):
                ask(bulk_id)


def test_nobody_waits_for_replicas_unasked(own_redis: LocalRedis) -> None:
    with Client(redis_url=own_redis.url) as client:
        assert client.enqueue(spec()).accepted
