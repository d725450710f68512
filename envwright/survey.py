"""What AWS holds under our tags in one place."""

from typing import ClassVar

from pydantic import Field

from envwright.questions import Question
from envwright.spec import Account
from envwright.spec.fields import RegionName
from envwright.value import Value


class Holding(Value):
    """What there is of one record: all that carries its tags and does exist."""

    environment_id: str
    uid: str
    resources: dict[str, tuple[str, ...]] = Field(description="Ids by resource key.")


class Stray(Value):
    """What carries a tag of ours that does not tell whose it is, or what."""

    id: str
    why: str


class Survey(Value):
    """What a worker found in a place."""

    own_account: str | None = Field(
        default=None, description="The account's id, where the worker's own credentials were used."
    )
    holdings: tuple[Holding, ...] = ()
    strays: tuple[Stray, ...] = ()


class Place(Question[Survey]):
    """Where to look: a region, with the worker's own credentials or by a role in an account."""

    sort: ClassVar[str] = "survey"
    answer: ClassVar[type[Survey]] = Survey

    region: RegionName
    account: Account | None = None

    def __str__(self) -> str:
        return f"{self.region} of {self.account.account_id}" if self.account else self.region

    @property
    def asks(self) -> str:
        return f"what AWS holds in {self}"
