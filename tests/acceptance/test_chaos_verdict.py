"""The judge of the crash matrix and the seeds: it finds what was planted, and nothing else."""

from collections.abc import AsyncIterator
from typing import Any, Final

import aioboto3
import pytest

from envwright.change import Operation
from envwright.record import Event, Record
from envwright.states import State
from tests.chaos import matrix, story
from tests.chaos.arena import Arena, arena
from tests.chaos.plan import plan
from tests.chaos.shapes import SHAPES, SMALL
from tests.chaos.strike import Trouble
from tests.chaos.verdict import Verdict, judge, manifest_of
from tests.chaos.world import World
from tests.specs import REGION, ZONES
from worker.servers import FAKE_CREDENTIALS

SPEC: Final = SMALL
SUBNET: Final = "network/subnet/public-eu-west-1a"
INSTANCES: Final = "instance/instances/web-eu-west-1a"


@pytest.fixture
async def worlds() -> AsyncIterator[Arena]:
    async with arena() as one:
        yield one


async def test_the_judge_finds_what_was_planted(worlds: Arena) -> None:
    """A stranger and a loose volume leak, a second subnet is a double, a lost instance is missed; a
    record that says `destroyed` over all that leaks all of it; and a clean build gives the judge
    nothing to say."""
    async with worlds.world() as world, somebody_else(world) as ec2:
        await world.start_worker()
        await world.ask(world.client.enqueue, SPEC)
        (record,) = await world.at_rest(SPEC.environment_id)
        name, manifest = record.environment_id, await manifest_of(world, record)

        async def judged(record: Record) -> Verdict:
            return await judge(world, [record], {name: manifest})

        assert (await judged(record)).faults == []

        stranger = (await ec2.create_vpc(CidrBlock="10.99.0.0/16"))["Vpc"]["VpcId"]
        assert (await judged(record)).faults == [f"leaked: vpc {stranger} is of nobody"]
        await ec2.delete_vpc(VpcId=stranger)

        loose = (await ec2.create_volume(AvailabilityZone=ZONES[0], Size=1))["VolumeId"]
        assert (await judged(record)).faults == [f"leaked: volume {loose} is of nobody"]
        await ec2.delete_volume(VolumeId=loose)

        second = await make_again(ec2, record)
        assert (await judged(record)).faults == [f"doubled: {SUBNET} of {name}: 2 instead of 1"]
        await ec2.delete_subnet(SubnetId=second)

        ended = record.model_copy(update={"state": State.DESTROYED})
        assert len((await judged(ended)).leaked) == sum(manifest.values())

        (instance,) = record.resources[INSTANCES].ids
        await ec2.terminate_instances(InstanceIds=[instance])
        await ec2.get_waiter("instance_terminated").wait(
            InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        assert (await judged(record)).faults == [
            f"lost: {INSTANCES} of {name}",
            f"untrue: the record holds {INSTANCES} as ['{instance}'], which does not exist",
        ]


def somebody_else(world: World) -> Any:
    """AWS in the hands of somebody who knows nothing of envwright, in the world's account."""
    session = aioboto3.Session(
        aws_access_key_id=world.account,
        aws_secret_access_key=FAKE_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    return session.client("ec2", REGION, endpoint_url=world.cloud.url)


async def make_again(ec2: Any, record: Record) -> str:
    """A second subnet under the tags of the first."""
    (first,) = record.resources[SUBNET].ids
    tags = (await ec2.describe_subnets(SubnetIds=[first]))["Subnets"][0]["Tags"]
    made = await ec2.create_subnet(
        VpcId=record.resources["network/vpc/main"].ids[0],
        CidrBlock="10.20.200.0/24",
        TagSpecifications=[{"ResourceType": "subnet", "Tags": tags}],
    )
    return str(made["Subnet"]["SubnetId"])


async def test_what_is_anothers_is_no_leak_and_its_change_is_found(worlds: Arena) -> None:
    """All that somebody else has is left out of the account, and looked at with his eyes."""
    async with worlds.world() as world, somebody_else(world) as ec2:
        await world.settle_another()
        assert (await judge(world, [], {})).faults == []
        assert await world.of_another() == []

        volume = (await ec2.describe_volumes())["Volumes"][0]["VolumeId"]
        await ec2.create_tags(Resources=[volume], Tags=[{"Key": "owner", "Value": "envwright"}])
        (found,) = await world.of_another()
        assert found.startswith(f"{volume} of another was ")


def test_a_volume_that_is_kept_is_known_by_its_event() -> None:
    kept = Event(type="volume", run="1", resource=INSTANCES, state="kept", ids=("vol-1", "vol-2"))
    made = Event(type="resource", run="1", resource=INSTANCES, state="created", ids=("i-1",))
    assert story.kept_volumes([made, kept]) == {"vol-1", "vol-2"}


async def test_lies_are_found_out(worlds: Arena) -> None:
    """An illegal move, an id that AWS never gave, an end that the record does not know of."""
    async with worlds.world() as world:
        await world.start_worker()
        await world.ask(world.client.enqueue, SPEC)
        (record,) = await world.at_rest(SPEC.environment_id)
        events = await world.ask(world.client.events, record.environment_id)
        made = world.cloud.ever_made(world.account)
        owned = {one: key for key, belief in record.resources.items() for one in belief.ids}
    run = record.run.id
    lies = [
        Event(type="resource", run=run, resource=SUBNET, state="created", ids=("subnet-0",)),
        Event(type="state", run=run, state="destroyed"),
    ]

    assert story.untruths(record, events, made, owned) == []
    assert story.untruths(record, [*events, *lies], made, owned) == [
        "ready became destroyed, which is no legal move",
        "the last event says destroyed, and the record ready",
        f"{SUBNET} was created as ['subnet-0'], which AWS never made",
        f"the last event of {SUBNET} is created ('subnet-0',), the record "
        f"{record.resources[SUBNET]}",
    ]


async def test_every_call_and_every_end_of_a_step_is_in_the_matrix(worlds: Arena) -> None:
    """Each call of a clean run with each trouble that there can be with it, and each once."""
    clean = await matrix.clean_run(worlds, SPEC)
    cells = list(clean.cells())

    assert len(cells) == len(set(cells))
    for act, calls in clean.calls.items():
        assert calls
        for action in calls:
            troubles = {one.trouble for one in cells if (one.act, one.action) == (act, action)}
            assert troubles >= set(Trouble) - {Trouble.SHOWN_LATE}
    ends = {(one.act.value, one.step) for one in cells if one.step is not None}
    assert ends == {
        *(("provision", step) for step in ("network", "security", "instance", "ready")),
        *((change, step) for change in ("stop", "replace") for step in ("instance", "ready")),
        *(("cleanup", step) for step in ("instance", "security", "network")),
    }


def test_a_seed_is_always_the_same_plan() -> None:
    """What is drawn hangs on the seed alone, and not every seed draws the same."""
    assert plan(17) == plan(17)
    plans = [plan(seed) for seed in range(50)]
    assert len({str(one) for one in plans}) == 50
    assert {shape for one in plans for shape in one.shapes} == set(SHAPES)
    assert {operation for one in plans for operation in one.operations} == set(Operation)
