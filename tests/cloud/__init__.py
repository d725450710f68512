"""The strict cloud: moto behind an HTTP layer that does what AWS does and moto does not.

It keeps a journal of every call, knows what truly exists, keeps accounts apart by their access
keys, and behaves as well or as badly as it is told (`Behaviour`). Beside that a test can inject
faults by rule: throttling, errors and lost replies before or after a call's effect, tags that
show late, a stop at the k-th call, and the death of the caller.
"""

from tests.cloud.behaviour import Behaviour
from tests.cloud.calls import Call, Reply
from tests.cloud.faults import (
    ALWAYS,
    ANY,
    Held,
    Pages,
    dropped,
    dying,
    failed,
    hiding,
    refused,
    throttled,
)
from tests.cloud.inventory import Inventory, Resource
from tests.cloud.server import Cloud
from tests.cloud.terms import ANYTHING, AWS_DURATIONS, AWS_QUOTAS, Durations, Quotas

__all__ = [
    "ALWAYS",
    "ANY",
    "ANYTHING",
    "AWS_DURATIONS",
    "AWS_QUOTAS",
    "Behaviour",
    "Call",
    "Cloud",
    "Durations",
    "Held",
    "Inventory",
    "Pages",
    "Quotas",
    "Reply",
    "Resource",
    "dropped",
    "dying",
    "failed",
    "hiding",
    "refused",
    "throttled",
]
