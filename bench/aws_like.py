"""How the strict cloud behaves in the benchmarks: as AWS does, at a time scale of one's choice."""

from typing import Final

from tests.cloud import AWS_DURATIONS, Behaviour

CALL: Final = 0.15
"""Seconds of AWS that a call takes in the mean: assumed, as from a machine in the same region."""

AWS_LIKE: Final = Behaviour(
    limited=True, latency=(CALL - 0.05, CALL + 0.05), durations=AWS_DURATIONS
)
"""Request limits are AWS's own, durations those that the tests use; no quotas and no faults."""

UNLIMITED: Final = Behaviour()
"""As quick as the fake AWS can be, and without limits: what is left is the machine's own cost."""
