"""What can go wrong, for the person who reads it. A class's docstring is its default message.

EnvwrightError
├── SpecError              the spec is wrong; `faults` holds every fault, each with its field's path
├── UnknownEnvironment     no record under this name
├── UnknownBulk            no bulk with this id
├── AmbiguousName          several environments have this name
├── UnknownInstance        the environment has no such instance, and no such group of instances
├── SpecConflict           the environment exists, with another spec
├── NotAllowed             the environment's state does not permit what was asked for
├── NotAnswered            a worker could not answer a question about AWS, or none did
├── StoreUnavailable       Redis does not answer
├── StoreCorrupt           Redis holds something that is not a record
└── WaitTimeout            the environment did not come to rest in time

The worker's own errors stand with what raises them: `tasks.aws.errors`, `tasks.failures`.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class EnvwrightError(Exception):
    """envwright could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a spec: the field's path, and a sentence on what to change."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class SpecError(EnvwrightError):
    """The spec is not valid."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class UnknownEnvironment(EnvwrightError):
    """There is no such environment."""


class UnknownBulk(EnvwrightError):
    """There is no such bulk."""


class AmbiguousName(EnvwrightError):
    """Several environments have this name: give the full id."""


class UnknownInstance(EnvwrightError):
    """The environment has no such instance."""


class SpecConflict(EnvwrightError):
    """The environment exists already, with another spec."""


class NotAllowed(EnvwrightError):
    """The environment's state does not permit this."""


class NotAnswered(EnvwrightError):
    """A question about AWS was not answered."""


class StoreUnavailable(EnvwrightError):
    """Redis does not answer."""


class StoreCorrupt(EnvwrightError):
    """Redis holds something under an envwright key that is not an envwright record."""


class WaitTimeout(EnvwrightError):
    """The environment did not come to rest in time."""
