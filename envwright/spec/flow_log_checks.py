"""What the fields of flow logs must agree on (see `envwright.spec.checks`)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envwright.spec.flow_logs import FlowLog
from envwright.spec.forms import Flaw, Loc
from envwright.spec.network import Network

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec


def log_has_one_destination(log: FlowLog, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if (log.bucket is None) == (log.log_group is None):
        yield (), "A flow log goes to one place: give it `bucket` or `log_group`, and not both."


def log_group_has_a_role(log: FlowLog, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if log.log_group is not None and log.role_arn is None:
        yield ("role_arn",), "AWS writes to a log group with a role of yours: name it here."
    if log.log_group is None and log.role_arn is not None:
        yield ("role_arn",), "AWS writes to a bucket without a role of yours: leave it out."


def logs_are_distinct(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    seen: set[tuple[str | None, str | None]] = set()
    for index, log in enumerate(network.flow_logs):
        destination = (log.bucket, log.log_group)
        if destination in seen:
            yield (
                ("flow_logs", index),
                "A flow log of this list goes there already, and AWS refuses a second one: leave "
                "one out.",
            )
        seen.add(destination)
