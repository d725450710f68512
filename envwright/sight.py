"""What AWS says of an environment's instances now, and of one's console."""

from typing import ClassVar, Final

from pydantic import Field

from envwright.errors import UnknownInstance
from envwright.questions import Question
from envwright.record import Record
from envwright.survey import Place
from envwright.targets import group_of, instances_of
from envwright.value import Value

SHORT_LIVED: Final = 60
"""Seconds for which such an answer lies in Redis, should nobody fetch it."""


class SeenInstance(Value):
    """One instance as AWS has it; but for its id and group, null where AWS does not say."""

    id: str
    group: str
    state: str | None = Field(default=None, description="Null where AWS does not know it any more.")
    instance_check: str | None = None
    system_check: str | None = None
    type: str | None = None
    zone: str | None = None
    image: str | None = None
    private_ip: str | None = None
    public_ip: str | None = None
    launched_at: float | None = Field(
        default=None, description="Unix time in seconds of its last launch or start."
    )

    @property
    def checks(self) -> str | None:
        """Both status checks in a word, or in two where they differ."""
        both = dict.fromkeys(one for one in (self.instance_check, self.system_check) if one)
        return ", ".join(both) or None


class Sight(Value):
    """The instances of an environment as AWS has them."""

    instances: tuple[SeenInstance, ...] = ()


class Console(Value):
    """What an instance has written to its console, which may hold secrets."""

    text: str = Field(repr=False)
    at: float | None = Field(
        default=None, description="Unix time in seconds of the last line, as far as AWS says it."
    )


class LookAtInstances(Question[Sight]):
    """The instances to look at: ids by the names of their groups."""

    sort: ClassVar[str] = "instances"
    answer: ClassVar[type[Sight]] = Sight
    kept: ClassVar[int] = SHORT_LIVED

    place: Place
    groups: dict[str, tuple[str, ...]]

    @property
    def asks(self) -> str:
        return "how the instances stand in AWS"


class ReadConsole(Question[Console]):
    """The instance whose console to read."""

    sort: ClassVar[str] = "console"
    answer: ClassVar[type[Console]] = Console
    kept: ClassVar[int] = SHORT_LIVED

    place: Place
    instance: str

    @property
    def asks(self) -> str:
        return f"what the console of {self.instance} says"


def look_at(record: Record) -> LookAtInstances:
    """The question how the instances of this record stand."""
    groups: dict[str, tuple[str, ...]] = {}
    for key, ids in instances_of(record).items():
        group = group_of(key, record.identity.region)
        groups[group] = groups.get(group, ()) + ids
    return LookAtInstances(place=_place(record), groups=groups)


def read_console(record: Record, instance: str) -> ReadConsole:
    """The question about the console of one instance. Raises `UnknownInstance`."""
    known = [one for ids in instances_of(record).values() for one in ids]
    if instance not in known:
        there = f"it has {', '.join(known)}" if known else "it has none"
        raise UnknownInstance(f"{record.environment_id} has no instance {instance}: {there}.")
    return ReadConsole(place=_place(record), instance=instance)


def _place(record: Record) -> Place:
    identity = record.identity
    return Place(region=identity.region, account=identity.account)
