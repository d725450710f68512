"""The settings: where they come from, and which of them are refused."""

import pytest
from pydantic import ValidationError

from config.settings import WorkerSettings
from envwright.names import Keys
from envwright.settings import ClientSettings


def test_the_defaults_are_valid() -> None:
    """A worker runs with none of them set."""
    WorkerSettings()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their names in capitals behind a prefix; what is given in code wins."""
    monkeypatch.setenv("ENVWRIGHT_REDIS_URL", "redis://elsewhere:1/2")
    monkeypatch.setenv("ENVWRIGHT_LEASE", "30")
    monkeypatch.setenv("ENVWRIGHT_LOG_FORMAT", "console")

    settings = WorkerSettings(log_format="json")

    assert settings.redis_url == "redis://elsewhere:1/2"
    assert settings.lease == 30
    assert settings.log_format == "json"


def test_variables_of_other_versions_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client sees the worker's variables, and an older worker those of a newer one."""
    monkeypatch.setenv("ENVWRIGHT_LEASE", "not for clients")
    monkeypatch.setenv("ENVWRIGHT_INVENTED_LATER", "1")

    ClientSettings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        WorkerSettings().lease = 20


def test_the_address_of_redis_is_not_shown() -> None:
    """It may hold a password, and settings end up in tracebacks and logs."""
    settings = WorkerSettings(redis_url="redis://user:hush-hush@127.0.0.1/0")

    assert "hush-hush" not in repr(settings)
    assert "hush-hush" not in str(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("concurrency", 0),
        ("lease", 9),
        ("lease", 301),
        ("lease_margin", 0),
        ("sweep_every", 0),
        ("wake_grace", 0),
        ("redis_timeout", 0),
        ("poll_every", -1),
        ("settle_time", -1),
        ("log_format", "xml"),
        ("log_level", "loud"),
        ("key_prefix", "with space"),
        ("key_prefix", "a:b"),
        ("queue", ""),
    ],
)
def test_what_cannot_work_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        WorkerSettings(**{name: value})

    assert [error["loc"] for error in refused.value.errors()] == [(name,)]


def test_a_margin_that_leaves_no_time_is_refused() -> None:
    """With more than half of the lease as its margin, hardly a call could ever begin."""
    assert WorkerSettings(lease=20, lease_margin=10).lease_margin == 10

    with pytest.raises(ValidationError, match="lease_margin must be at most half of lease"):
        WorkerSettings(lease=20, lease_margin=10.5)


def test_connecting_must_not_outlast_the_margin() -> None:
    """It comes after the last look at the lease: the call would be sent when another has that."""
    assert WorkerSettings(lease_margin=2, aws_connect_timeout=2).aws_connect_timeout == 2

    with pytest.raises(ValidationError, match="aws_connect_timeout must be at most lease_margin"):
        WorkerSettings(lease_margin=2, aws_connect_timeout=2.5)


def test_all_keys_are_under_the_prefix() -> None:
    """Two installations on one Redis do not meet."""
    keys = ClientSettings(key_prefix="mine").keys

    assert keys == Keys("mine")
    for key in (
        keys.record("web.eu-west-1"),
        keys.events("web.eu-west-1"),
        keys.submission("1"),
        keys.heartbeat("host"),
        keys.suspect("host:7:1"),
        keys.deliveries("1"),
        keys.parked,
        keys.environments,
        keys.due,
    ):
        assert key.startswith("mine:")
