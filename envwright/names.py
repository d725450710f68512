"""Each name that more than one process must agree on, written once."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

TAG_RESOURCE: Final = "envwright:resource"
TAG_RECORD: Final = "envwright:record"
TAG_ENVIRONMENT: Final = "envwright:environment"
RESERVED_TAG_PREFIXES: Final = ("aws:", "envwright:")
OWN_TAGS: Final = 4
"""How many of a resource's tags are ours: the three above and `Name`."""

DEFAULT_QUEUE: Final = "envwright"
DEFAULT_KEY_PREFIX: Final = "envwright"

TASK_SUBMIT: Final = "envwright.submit"
TASK_QUESTION: Final = "envwright.question"

MESSAGE_FORMAT: Final = 1
FORMAT_HEADER: Final = "envwright-format"
"""The version of what a message holds, and the header that says it; without it, it is 1."""

RECORD_FORMAT: Final = 1
"""The version of what a record holds; a worker leaves a record of another one alone."""


class Step(StrEnum):
    """The steps of a provision run, in their order."""

    NETWORK = "network"
    SECURITY = "security"
    INSTANCE = "instance"
    READY = "ready"


CLEANUP_STEPS: Final = (Step.INSTANCE, Step.SECURITY, Step.NETWORK)
"""The steps of a cleanup run: `ready` makes nothing, so there is nothing of it to take down."""

CHANGE_STEPS: Final = (Step.INSTANCE, Step.READY)
"""The steps of a run that changes instances."""


_LOST: Final = "~"


def lost_id(environment_id: str, uid: str) -> str:
    """The id of an environment whose record was lost, and whose own id another record has now."""
    return f"{environment_id}{_LOST}{uid}"


def id_in_tags(environment_id: str) -> str:
    """The environment's id as its resources' tags have it."""
    return environment_id.split(_LOST)[0]


def has_name(environment_id: str, name: str) -> bool:
    """Whether the environment can be called so: a lost one, beside which another lives, cannot."""
    return environment_id.split(".", 1)[0] == name and _LOST not in environment_id


def provision_task(step: Step) -> str:
    return f"envwright.provision.{step}"


def cleanup_task(step: Step) -> str:
    return f"envwright.cleanup.{step}"


def change_task(step: Step) -> str:
    return f"envwright.change.{step}"


@dataclass(frozen=True, slots=True)
class Keys:
    """The Redis keys under one prefix."""

    prefix: str = DEFAULT_KEY_PREFIX

    def record(self, environment_id: str) -> str:
        return f"{self.prefix}:record:{environment_id}"

    def events(self, environment_id: str) -> str:
        return f"{self.prefix}:events:{environment_id}"

    def submission(self, submission_id: str) -> str:
        return f"{self.prefix}:submission:{submission_id}"

    def question(self, question_id: str) -> str:
        """What a worker is asked, and then what it answers."""
        return f"{self.prefix}:question:{question_id}"

    def heartbeat(self, worker: str) -> str:
        """The sign of life of a worker by its name, or of any worker of a host by the host's."""
        return f"{self.prefix}:worker:{worker}"

    def suspect(self, worker: str) -> str:
        """The environment, if any, that this worker tries after its step saw workers die."""
        return f"{self.prefix}:suspect:{worker}"

    def deliveries(self, delivery_tag: str) -> str:
        """How often a message was delivered that nobody could read."""
        return f"{self.prefix}:deliveries:{delivery_tag}"

    def bucket(self, account: str, region: str, name: str) -> str:
        """What is left of one of AWS's request limits; an account's id, or "own"."""
        return f"{self.prefix}:bucket:{account}:{region}:{name}"

    @property
    def parked(self) -> str:
        """Stream: the messages that nobody could read."""
        return f"{self.prefix}:parked"

    @property
    def environments(self) -> str:
        """Sorted set: environment id by the time at which it was first accepted."""
        return f"{self.prefix}:environments"

    @property
    def due(self) -> str:
        """Sorted set: environment id by the time at which it must be looked at again."""
        return self.due_of(RECORD_FORMAT)

    @property
    def expiries(self) -> str:
        """Sorted set: environment id by the time at which the end of its life must be looked at.

        Not a part of `due`: there, version 0.1.0 forgets whatever it finds at rest.
        """
        return f"{self.due}:expiries"

    @property
    def swept(self) -> str:
        """The time at which `due` was last looked at, in Unix seconds by Redis' clock."""
        return f"{self.due}:swept"

    def due_of(self, record_format: int) -> str:
        """Each format of the record has a set of its own: who cannot read a record must neither
        put it off nor forget it."""
        return f"{self.prefix}:due" if record_format == 1 else f"{self.prefix}:due:{record_format}"
