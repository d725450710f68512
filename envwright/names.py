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


MESSAGE_PRIORITIES: Final = (0, 3, 6, 9)
"""kombu's own steps: it reads them in this order, and older workers read no others."""


def queue_list(queue: str, priority: int) -> str:
    """The list in which kombu keeps a queue's messages of this priority."""
    return f"{queue}\x06\x16{priority}" if priority else queue


def queue_lists(queue: str) -> list[str]:
    """All of a queue's lists, those of the first to go first."""
    return [queue_list(queue, one) for one in MESSAGE_PRIORITIES]


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


def area_of(environment_id: str) -> str:
    """The account and region of an environment, which AWS counts calls by: its id without the
    name."""
    return environment_id.partition(".")[2]


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

    @property
    def areas(self) -> str:
        """Set: the areas in which runs build, or wait in line."""
        return f"{self.prefix}:areas"

    @property
    def turns(self) -> str:
        """Counter: the turns that flows have taken."""
        return f"{self.prefix}:turns"

    def flows(self, area: str) -> str:
        """Sorted set: the flows that have a line in this area, by whose turn it is."""
        return f"{self.prefix}:flows:{area}"

    def line(self, area: str, flow: str) -> str:
        """List: the environments of this flow that wait to be let in, the first one first."""
        return f"{self.prefix}:line:{area}:{flow}"

    def under_way(self, area: str) -> str:
        """Hash: environment id → the run that was let in, and its flow."""
        return f"{self.prefix}:under-way:{area}"

    @property
    def bulks(self) -> str:
        """Sorted set: bulk id by the time at which it was opened."""
        return f"{self.prefix}:bulks"

    def bulk(self, bulk_id: str) -> str:
        return f"{self.prefix}:bulk:{bulk_id}"

    def bulk_members(self, bulk_id: str) -> str:
        """Sorted set: environment id by its place in the bulk."""
        return f"{self.bulk(bulk_id)}:members"

    def bulk_ready(self, bulk_id: str) -> str:
        """Hash: area → how many of its members got ready since it was begun or last resumed; only
        of a bulk with `max_failures`."""
        return f"{self.bulk(bulk_id)}:ready"

    def bulk_refused(self, bulk_id: str) -> str:
        """Hash: environment id → why its spec was refused."""
        return f"{self.bulk(bulk_id)}:refused"

    def bulk_existing(self, bulk_id: str) -> str:
        """Set: the environments that were there already, whoever asked for them."""
        return f"{self.bulk(bulk_id)}:existing"

    def due_of(self, record_format: int) -> str:
        """Each format of the record has a set of its own: who cannot read a record must neither
        put it off nor forget it."""
        return f"{self.prefix}:due" if record_format == 1 else f"{self.prefix}:due:{record_format}"
