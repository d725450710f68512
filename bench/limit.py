"""How fast AWS's request limits let a number of environments be built.

A bucket that holds C requests and gets R more each second lets n of them through in (n - C) / R
seconds. What comes before an environment's call of the scarcest action, and what comes after it,
is the same for the last one as for one that is built alone. So n environments take no less than
the critical path of one, and the wait at the scarcest bucket.
"""

from dataclasses import dataclass

from bench.aws_like import CALL
from tests.cloud import AWS_DURATIONS
from tests.cloud.buckets import CHANGES, OF_INSTANCES, OWN, Size
from tests.critical_path import building, critical_path
from tests.many import LEAST_CALLS


@dataclass(frozen=True)
class Wait:
    """What one bucket costs."""

    action: str
    needed: int
    size: Size

    @property
    def seconds(self) -> float:
        """From the first request to the last."""
        return max(0.0, (self.needed - self.size.capacity) / self.size.refill)


def waits(environments: int) -> list[Wait]:
    """Of every bucket that so many environments draw on, the longest first."""
    found = [
        Wait(action, environments * each, OWN.get(action, CHANGES))
        for action, each in LEAST_CALLS.items()
    ]
    launched = environments * LEAST_CALLS["RunInstances"]
    found.append(Wait("RunInstances: instances", launched, OF_INSTANCES["RunInstances"]))
    return sorted(found, key=lambda one: -one.seconds)


def path(*, private: bool = False) -> float:
    """The critical path of one environment, in seconds of AWS."""
    return critical_path(building(AWS_DURATIONS, private=private), CALL)


def limit(environments: int) -> float:
    """The least seconds of AWS in which so many environments can be built."""
    return path() + waits(environments)[0].seconds
