"""All that a step is handed: what is wanted, what is believed, and the means to act on it."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from config.settings import WorkerSettings
from envwright.errors import EnvwrightError
from envwright.failure import FailureCategory
from envwright.names import id_in_tags
from envwright.outputs import Outputs
from envwright.record import Record, ResourceRecord, ResourceState
from envwright.spec import EnvironmentSpec
from tasks.aws.tags import Inventory, Owner, read_inventory, tag_list
from tasks.failures import StepError
from tasks.journal import Journal
from tasks.known import Known, all_existing
from tasks.lease import Lease
from tasks.store import WorkerStore

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client
    from types_aiobotocore_ssm.client import SSMClient


ACCOUNT: Final = "account"
"""The lookup that holds the id of the account in which the environment was begun."""


_LOOKS_WHILE_SETTLING: Final = 5


def settled_at(beliefs: Mapping[str, ResourceRecord], settle_time: float) -> float:
    """When AWS will show all of these, in Unix seconds by Redis' clock."""
    alive = [one.at for one in beliefs.values() if one.state is not ResourceState.GONE]
    return max(alive, default=0.0) + settle_time


class Context(Journal):
    """One step of one run, under one lease."""

    def __init__(
        self,
        *,
        record: Record,
        now: float,
        lease: Lease,
        store: WorkerStore,
        settings: WorkerSettings,
        ec2: "EC2Client",
        ssm: "SSMClient",
        own_account: Callable[[], Awaitable[str]],
    ) -> None:
        """`now` is Redis' clock at the moment of the claim, in Unix seconds; `own_account` asks
        for the id of the account that the worker's own credentials are of."""
        super().__init__(record, now, lease, store)
        self.settings = settings
        self.ec2 = ec2
        self.ssm = ssm
        self.own_account = own_account
        self.unanswered: set[str] = set()
        """Keys of what may have been made by a create of this step that was not answered."""
        self.outputs: Outputs | None = None
        """What the run gives its caller: the ready step sets it."""
        self._owner = Owner(id_in_tags(record.environment_id), record.uid)

    @property
    def spec(self) -> EnvironmentSpec:
        """What is wished for. A cleanup does without: it may be lost (`Record.recovered`)."""
        if self.record.spec is None:
            raise EnvwrightError(f"What {self.record.environment_id} was to be is lost.")
        return self.record.spec

    @property
    def known(self) -> Known:
        """The spec, and what was looked up of what it leaves open."""
        return Known(self.spec, self.lookups)

    def is_settled(self) -> bool:
        """Whether all that is on record was made long enough ago for AWS to show it."""
        return self.now() > settled_at(self.beliefs, self.settings.settle_time)

    @property
    def is_thorough(self) -> bool:
        """Whether this is a cleanup that may not trust the record to name what has no tag."""
        return self.record.run.thorough

    async def settle_a_little(self) -> None:
        """Give AWS a fifth of the settle time, before it is looked at again."""
        await self.lease.pause(self.settings.settle_time / _LOOKS_WHILE_SETTLING)

    def standing(self, key: str) -> tuple[str, ...]:
        """The ids that the record holds under this key, or of what stands in its place and is not
        ours."""
        return self.ids_of(key) or self.known.existing(key)

    def id_of(self, key: str) -> str:
        """The id of a resource that an earlier group or step has made, or of what stands in its
        place and is not ours."""
        ids = self.standing(key)
        if not ids:
            raise EnvwrightError(
                f"{key} is needed and not in the record of {self.record.environment_id}."
            )
        return ids[0]

    def token(self, key: str) -> str:
        """The client token of the intent that is open under this key.

        The same for every attempt at one incarnation, and never used for another: EC2 refuses
        a token whose instance was terminated (EC2 API: ensuring idempotency). At most 64
        characters.
        """
        text = f"{self.record.uid}/{key}/{self.beliefs[key].incarnation}"
        return f"envwright-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def tags(self, key: str | None, name: str, own: Mapping[str, str] | None = None) -> Any:
        """The tags for a create call; without a key for what is only part of a resource."""
        return tag_list(self._owner, key, name, {**self.spec.tags, **(own or {})})

    async def check_account(self) -> None:
        """Raises `StepError` in another account, where AWS shows nothing of the environment."""
        begun_in = self.lookups.get(ACCOUNT)
        if begun_in is None or self.record.identity.account is not None:
            return
        here = await self.own_account()
        if here != begun_in:
            raise StepError(
                FailureCategory.PERMISSION,
                f"{self.record.environment_id} was begun in account {begun_in}, and this worker's "
                f"credentials are of account {here}: give it credentials of the former, and retry.",
            )

    async def inventory(self) -> Inventory:
        """What carries this environment's tags in AWS now, but for what is known not to be its
        own: somebody may have copied its tags."""
        inventory = await read_inventory(self.ec2, self._owner)
        return inventory.without(all_existing(self.lookups))
