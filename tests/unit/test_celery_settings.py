"""Celery's settings: each is one that Celery or kombu knows, and says what it must."""

import ssl

import pytest
from celery import current_app
from celery.app import defaults
from kombu.transport.redis import Channel as KombuChannel
from redis.exceptions import ConnectionError as RedisConnectionError

from config.celery import celery_settings
from config.settings import WorkerSettings
from envwright.messages import broker_settings, producer
from envwright.new_run import CLEANUP_DEADLINE
from envwright.settings import ClientSettings
from envwright.spec import EnvironmentSpec
from worker.app import app
from worker.broker import Channel, Transport

SETTINGS = WorkerSettings()
CONFIGURED = celery_settings(SETTINGS)
OPTIONS = CONFIGURED["broker_transport_options"]


def test_every_setting_is_one_that_celery_knows() -> None:
    """A mistyped one would be ignored without a word."""
    known = {name for name, _ in defaults.flatten(defaults.NAMESPACES)}

    assert set(CONFIGURED) - known == set()
    assert set(OPTIONS) - set(KombuChannel.from_transport_options) == set()


def longest_run() -> float:
    """The longest deadline that a run can have, in seconds."""
    day = 24 * 3600
    data = {"name": "web", "region": "eu-west-1", "network": {"cidr": "10.0.0.0/16", "zones": 1}}
    assert EnvironmentSpec.model_validate(data | {"deadline": day}).deadline == day
    with pytest.raises(ValueError, match="deadline"):
        EnvironmentSpec.model_validate(data | {"deadline": day + 1})
    return max(day, CLEANUP_DEADLINE)


def test_no_message_comes_twice_while_its_step_runs() -> None:
    """The broker would hand it to another worker after this time; no step outlasts its run."""
    assert OPTIONS["visibility_timeout"] > longest_run()


def test_a_message_is_kept_until_its_step_ended() -> None:
    assert CONFIGURED["task_acks_late"] is True
    assert CONFIGURED["worker_prefetch_multiplier"] == 1


def test_steps_run_on_threads_as_many_as_asked_for() -> None:
    configured = celery_settings(WorkerSettings(concurrency=700))

    assert configured["worker_pool"] == "threads"
    assert configured["worker_concurrency"] == 700


def test_only_json_is_taken_and_no_result_is_kept() -> None:
    """Whoever can write to the broker shall not be able to run code in a worker by it."""
    assert CONFIGURED["task_serializer"] == "json"
    assert CONFIGURED["accept_content"] == ["json"]
    assert CONFIGURED["task_ignore_result"] is True
    assert "result_backend" not in CONFIGURED


def test_nothing_waits_for_ever_on_a_frozen_redis() -> None:
    settings = WorkerSettings(redis_timeout=2.5)
    for options in (
        broker_settings(settings)["broker_transport_options"],
        celery_settings(settings)["broker_transport_options"],
    ):
        assert options["socket_timeout"] == options["socket_connect_timeout"] == 2.5
    assert broker_settings(settings)["task_publish_retry"] is False


def test_restores_go_on_when_a_worker_dies_in_one() -> None:
    """By default, one that is killed while it restores stops all others for five minutes."""
    assert OPTIONS["unacked_mutex_expire"] < 60
    assert OPTIONS["unacked_restore_interval"] * OPTIONS["unacked_restore_throttle"] < 60


def test_a_lost_connection_cancels_no_step() -> None:
    """It holds its lease, and its record is written through another connection."""
    assert CONFIGURED["worker_cancel_long_running_tasks_on_connection_loss"] is False
    assert CONFIGURED["broker_connection_retry_on_startup"] is True


def test_the_certificate_of_redis_is_checked() -> None:
    plain = broker_settings(ClientSettings(redis_url="redis://127.0.0.1/0"))
    secured = broker_settings(ClientSettings(redis_url="rediss://127.0.0.1/0"))

    assert plain["broker_use_ssl"] is None
    assert secured["broker_use_ssl"] == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


def test_a_producer_is_not_the_app_of_its_process() -> None:
    """A service that has a Celery app of its own keeps it."""
    before = current_app._get_current_object()

    sending = producer(ClientSettings(queue="theirs"))

    assert sending.conf.task_default_queue == "theirs"
    assert current_app._get_current_object() is before


@pytest.mark.parametrize("connection", [None, type("Transport", (), {"client": None})()])
def test_a_channel_without_a_connection_says_what_celery_expects(connection: object) -> None:
    """An error of another class would end the worker."""
    channel = object.__new__(Channel)
    channel.connection = connection
    channel.closed = True

    assert Transport.Channel is Channel
    assert app.conf.broker_transport == f"{Transport.__module__}:{Transport.__name__}"
    with pytest.raises(RedisConnectionError), channel.conn_or_acquire():
        pass
    with channel.conn_or_acquire(client="given") as client:
        assert client == "given"
