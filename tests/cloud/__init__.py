"""The strict cloud: moto behind an HTTP layer that does what AWS does and moto does not.

It keeps a journal of every call, honours the client tokens of launches, and lets a test inject
faults by rule: throttling, errors and lost replies before or after a call's effect, tags that
show late, and the death of the caller.
"""

from tests.cloud.calls import Call, Reply
from tests.cloud.faults import ALWAYS, Held, dropped, dying, failed, hiding, refused, throttled
from tests.cloud.server import Cloud

__all__ = [
    "ALWAYS",
    "Call",
    "Cloud",
    "Held",
    "Reply",
    "dropped",
    "dying",
    "failed",
    "hiding",
    "refused",
    "throttled",
]
