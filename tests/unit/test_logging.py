"""The logs: one format for all that is said, and no variables in tracebacks."""

import json
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from config.logging import configure_logging
from config.settings import WorkerSettings

CANARY = "canary-5f0c"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """What is configured here is for the process: put it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {
        name: logger.level
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger)
    }
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger):
            logger.setLevel(levels.get(name, logging.NOTSET))
    structlog.reset_defaults()


class Log:
    """What was written to stderr, as whoever collects the logs sees it."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def configure(self, **settings: Any) -> None:
        configure_logging(WorkerSettings(**settings))

    def text(self) -> str:
        return self._captured.readouterr().err

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]

    def line(self) -> dict[str, Any]:
        (only,) = self.lines()
        return only


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    return Log(capsys)


def fail_with_a_secret_at_hand() -> None:
    user_data = f"password={CANARY}"
    raise ValueError(f"a fault of {len(user_data)} letters")


def test_our_lines_are_json_with_what_was_bound(log: Log) -> None:
    """A step binds its environment once; every line that follows carries it."""
    log.configure()
    with bound_contextvars(environment="web.eu-west-1", run="1"):
        structlog.get_logger("ours").info("step_started", attempt=2)

    line = log.line()

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "step_started",
        "attempt": 2,
        "environment": "web.eu-west-1",
        "run": "1",
        "level": "info",
        "logger": "ours",
    }


def test_lines_of_libraries_look_the_same(log: Log) -> None:
    """With what was bound, too: a library's complaint can be told to an environment."""
    log.configure()
    with bound_contextvars(environment="web.eu-west-1"):
        logging.getLogger("library").warning("%d of %s\nis lost", 3, "them")

    line = log.line()

    assert line["event"] == "3 of them\nis lost"
    assert (line["level"], line["logger"]) == ("warning", "library")
    assert line["environment"] == "web.eu-west-1"


@pytest.mark.parametrize("get_logger", [structlog.get_logger, logging.getLogger])
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_tracebacks_have_no_variables(log: Log, get_logger: Any, log_format: str) -> None:
    """A local variable may be somebody's user data."""
    log.configure(log_format=log_format)
    try:
        fail_with_a_secret_at_hand()
    except ValueError:
        get_logger("some").exception("it_failed")

    text = log.text()

    assert "fail_with_a_secret_at_hand" in text
    assert "a fault of 20 letters" in text
    assert CANARY not in text
    assert log_format == "console" or json.loads(text)["exception"]


def test_what_is_no_json_value_is_still_a_line(log: Log) -> None:
    log.configure()
    structlog.get_logger("ours").info("odd", what={1}, who=object)

    assert log.line()["what"] == "{1}"


def test_warnings_are_lines_too(log: Log) -> None:
    log.configure()
    warnings.simplefilter("always")  # pytest puts the filters back after each test

    warnings.warn("this goes away", stacklevel=1)

    assert "this goes away" in log.line()["event"]


@pytest.mark.parametrize(
    "name", ["botocore.endpoint", "aiobotocore", "kombu.x", "celery.app.trace"]
)
def test_loggers_that_tell_of_requests_are_quiet_even_at_debug(log: Log, name: str) -> None:
    """Their debug lines hold the requests, and with them user data."""
    log.configure(log_level="debug")
    logging.getLogger(name).info(CANARY)
    structlog.get_logger("ours").debug("still_heard")

    assert log.line()["event"] == "still_heard"


def test_the_level_is_obeyed(log: Log) -> None:
    log.configure(log_level="warning")
    structlog.get_logger("ours").info("unheard")
    logging.getLogger("library").info("unheard")

    assert log.lines() == []


def test_a_log_that_cannot_be_written_stops_nothing(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its reader is gone, or the disk is full; what comes after that is told again."""
    log.configure()
    logger = structlog.get_logger("ours")
    reader, writer = os.pipe()
    os.close(reader)
    unread = open(writer, "w", buffering=1)  # noqa: SIM115 - it cannot be closed without an error
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", unread)
        logger.info("unheard")
    logger.info("heard")

    assert log.line()["event"] == "heard"
    with pytest.raises(BrokenPipeError):
        unread.close()
