"""Bulks that the commands are given, and somebody who brings them to their end."""

import threading
from collections.abc import Callable, Mapping

import pytest

from envwright.bulk import Bulk
from envwright.cli.exits import tell
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.states import State
from envwright.testing import InMemoryClient
from worker.processes import wait_until

NO_QUOTA = Failure(
    category=FailureCategory.QUOTA,
    message="The quota of VPCs is used up: have it raised.",
    step=Step.NETWORK,
    code="VpcLimitExceeded",
)
NO_CAPACITY = Failure(
    category=FailureCategory.CAPACITY,
    message="There is no t3.micro left in eu-west-1a.",
    step=Step.INSTANCE,
    code="InsufficientInstanceCapacity",
)
NO_IMAGE = Failure(
    category=FailureCategory.SPEC,
    message="There is no image ami-0.",
    step=Step.INSTANCE,
    code="InvalidAMIID.NotFound",
)

TEMPLATE = """\
name: lab-${id}
region: ${region}
network:
  cidr: 10.20.0.0/16
  zones: ${zones}
"""
"""Of a spec; its table has the columns id, region and zones."""

Write = Callable[[str, str | bytes], str]
Lines = Callable[..., str]
Ends = Mapping[str, Failure | None]


def worker(client: InMemoryClient, ends: Ends) -> threading.Thread:
    """Somebody who ends these environments as soon as they are on record, with these failures."""

    def work() -> None:
        wait_until(lambda: ends.keys() <= names_of(client), 20, "a bulk on record")
        finish(client, ends)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def names_of(client: InMemoryClient) -> set[str]:
    return {one.identity.name for one in client.environments()}


def finish(client: InMemoryClient, ends: Ends) -> None:
    for name, failure in ends.items():
        client.finish(name, State.FAILED if failure else State.READY, failure=failure)


def the_bulk(client: InMemoryClient) -> Bulk:
    (bulk,) = client.bulks()
    return bulk


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def told(capsys: pytest.CaptureFixture[str], error: BaseException) -> str:
    """What a command prints that such a fault ends."""
    assert tell(error, as_json=False) == 2
    return capsys.readouterr().err
