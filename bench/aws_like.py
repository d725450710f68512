"""How the strict cloud behaves in the benchmarks: as AWS does, at a time scale of one's choice."""

from typing import Final

from tests.cloud import AWS_DURATIONS, Behaviour

AWS_LIKE: Final = Behaviour(
    limited=True,
    latency=(0.1, 0.3),
    latencies={
        "RunInstances": (1.0, 2.0),
        "CreateVpc": (0.3, 0.6),
        "CreateNatGateway": (0.3, 0.6),
        "DescribeInstanceStatus": (0.05, 0.15),
        "DescribeTags": (0.05, 0.15),
        "GetParameter": (0.03, 0.08),
        "GetParameters": (0.03, 0.08),
    },
    durations=AWS_DURATIONS,
)
"""Request limits are AWS's own. Latencies are assumed, as seen from a machine in the same region;
durations are those that the tests use. There are no quotas and no faults."""

UNLIMITED: Final = Behaviour()
"""As quick as the fake AWS can be, and without limits: what is left is the machine's own cost."""
