"""How an account's AWS behaves: all that can be slow, late, scarce or broken, in one value.

What is left to chance hangs on the seed and on the call alone (its account, region and action, and
which of those it is), not on the order in which calls come: so the same seed gives the same
faults again, also where calls run side by side.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tests.cloud.calls import Call
from tests.cloud.terms import Durations, Quotas, Terms

Span = float | tuple[float, float]
"""Seconds: so many, or anything between the two."""


@dataclass(frozen=True)
class Behaviour:
    """As it stands: an AWS at its best. Times are AWS's, in seconds; probabilities from 0 to 1."""

    seed: int = 0
    time_scale: float = 1.0
    """What a second of AWS takes here: all times below are multiplied by it."""

    latency: Span = 0.0
    """Of a call: half of it goes by before the effect, half after."""
    latencies: Mapping[str, Span] = field(default_factory=dict)
    """By action, where it is another one."""

    throttled: float = 0.0
    failed_before: float = 0.0
    """Probability of an internal error instead of the effect."""
    failed_after: float = 0.0
    """Probability of an internal error after the effect."""
    dropped_before: float = 0.0
    """Probability of a broken connection instead of the effect."""
    dropped_after: float = 0.0
    """Probability of a broken connection after the effect."""

    id_lag: Span = 0.0
    """How long after a create its id is unknown: calls by id answer NotFound, others lack it."""
    tag_lag: Span = 0.0
    """How long after a create DescribeTags lacks what it made."""
    flapping: float = 0.0
    """Probability with which a call sees, within its lag, what the next may not see again."""

    durations: Durations = field(default_factory=Durations)
    """Of states; `AWS_DURATIONS` are AWS's own."""
    quotas: Quotas = field(default_factory=Quotas)
    """`AWS_QUOTAS` are AWS's own."""
    no_capacity: frozenset[tuple[str, str]] = frozenset()
    """Zones and instance types that cannot be had together; `ANYTHING` stands for all."""
    out_of_capacity: float = 0.0
    """Probability with which a launch finds no capacity, wherever and whatever it is."""

    spot_price: float = 0.0
    """Of any spot instance, in dollars an hour; a launch that gives less at most is refused."""

    limited: bool = False
    """Whether AWS's request limits hold (see `buckets`)."""
    denied: frozenset[str] = frozenset()
    """The actions that answer UnauthorizedOperation; outside of EC2, AccessDeniedException."""

    @cached_property
    def terms(self) -> Terms:
        """What of it the emulator must know."""
        durations = self.durations.scaled(self.time_scale)
        return Terms(durations, self.quotas, self.no_capacity, self.spot_price)

    def chance(self, call: Call, purpose: str) -> float:
        """A number from 0 to 1, always the same one for this call and purpose."""
        key = f"{self.seed}/{purpose}/{call.account}/{call.region}/{call.action}/{call.nth}"
        return random.Random(key).random()  # noqa: S311 - it is to be foreseen

    def seconds(self, span: Span, call: Call, purpose: str) -> float:
        """How long, on this machine's clock."""
        if isinstance(span, tuple):
            least, most = span
            span = least + (most - least) * self.chance(call, purpose)
        return span * self.time_scale
