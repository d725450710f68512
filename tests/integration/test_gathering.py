"""What many ask alike at the same time is asked once, and each is told what is his."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.parsers import EC2QueryParser

from tasks.aws import gathering
from tasks.aws.batch import Batch, Member
from tasks.aws.tags import Owner, read_marks, tag_list
from tasks.aws.wire import Call
from tasks.lease import clock
from tests.cloud import ALWAYS, Cloud, Held, Pages
from tests.everything import IMAGE
from tests.integration.conftest import Crowd
from tests.site import Site

LONG = 60.0
"""Seconds that no test lasts."""
SOON = 10.0
"""Seconds in which what hangs on nothing is done: the SDK gives a call up after twice as many."""


async def status(ec2: Any, *ids: str) -> list[str]:
    """The ids of which AWS tells this caller the status."""
    answer = await ec2.describe_instance_status(InstanceIds=[*ids], IncludeAllInstances=True)
    assert answer["ResponseMetadata"]["RequestId"]
    return [one["InstanceId"] for one in answer["InstanceStatuses"]]


async def ids_by_filter(ec2: Any, *ids: str) -> list[list[str]]:
    """The ids of instances that AWS shows, by reservation."""
    answer = await ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": [*ids]}])
    return [[one["InstanceId"] for one in some["Instances"]] for some in answer["Reservations"]]


async def main_tables(ec2: Any, vpc: str) -> list[str]:
    filters = [
        {"Name": "vpc-id", "Values": [vpc]},
        {"Name": "association.main", "Values": ["true"]},
    ]
    return [
        one["VpcId"] for one in (await ec2.describe_route_tables(Filters=filters))["RouteTables"]
    ]


async def launched(site: Site, count: int) -> list[str]:
    """The ids of so many instances of one reservation."""
    answer = await site.ec2.run_instances(
        ImageId=IMAGE, InstanceType="t3.micro", MinCount=count, MaxCount=count
    )
    return [one["InstanceId"] for one in answer["Instances"]]


async def test_what_five_ask_at_the_same_time_is_one_call(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """And each is told of his own instance alone, with the request's id."""
    ids = await launched(site, 5)

    told = await crowd(*[lambda ec2, one=one: status(ec2, one) for one in ids])

    assert told == [[one] for one in ids]
    assert len(cloud.calls("DescribeInstanceStatus")) == 1


async def test_a_call_holds_no_more_than_a_hundred_ids(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """Two hundred and fifty are three calls."""
    ids = await launched(site, 250)

    told = await crowd(*[lambda ec2, one=one: status(ec2, one) for one in ids])

    assert told == [[one] for one in ids]
    sent = [len(call.values("InstanceId")) for call in cloud.calls("DescribeInstanceStatus")]
    assert sorted(sent) == [50, 100, 100]


async def test_a_reservation_is_shared_out_by_its_instances(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """Instances of many callers that one launch made; what two ask for is told to both."""
    one, two, three = await launched(site, 3)

    told = await crowd(
        lambda ec2: ids_by_filter(ec2, one, two), lambda ec2: ids_by_filter(ec2, two, three)
    )

    assert told == [[[one, two]], [[two, three]]]
    assert len(cloud.calls("DescribeInstances")) == 1


async def test_full_descriptions_are_fewer_a_call(crowd: Crowd, cloud: Cloud, site: Site) -> None:
    """They are long, and while the SDK reads an answer nothing else gets on."""
    ids = await launched(site, 60)

    told = await crowd(*[lambda ec2, one=one: ids_by_filter(ec2, one) for one in ids])

    assert told == [[[one]] for one in ids]
    sent = [len(call.values("Filter.1.Value")) for call in cloud.calls("DescribeInstances")]
    assert sorted(sent) == [10, 50]


async def test_a_look_up_in_many_networks_is_one_call(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """The main route tables of VPCs, that are found by the VPC's id and another filter."""
    made = [await site.ec2.create_vpc(CidrBlock="10.0.0.0/16") for _ in range(3)]
    vpcs = [one["Vpc"]["VpcId"] for one in made]

    told = await crowd(*[lambda ec2, one=one: main_tables(ec2, one) for one in vpcs])

    assert told == [[one] for one in vpcs]
    assert len(cloud.calls("DescribeRouteTables")) == 1


async def test_what_is_asked_alike_is_asked_once(crowd: Crowd, cloud: Cloud) -> None:
    """Zones and images are the same for all; but an answer answers nobody who asks after it."""

    async def zones(ec2: Any) -> int:
        return len((await ec2.describe_availability_zones())["AvailabilityZones"])

    assert await crowd(*[zones] * 5) == [3] * 5
    assert await crowd(zones) == [3]

    assert len(cloud.calls("DescribeAvailabilityZones")) == 2


@pytest.mark.parametrize(("page_size", "calls"), [(1000, 1), (5, 4)])
async def test_the_tags_of_many_environments_are_one_call(
    crowd: Crowd, cloud: Cloud, site: Site, page_size: int, calls: int
) -> None:
    """Shared out by whose they are, over all pages: names that begin alike are no trouble."""
    names = ["web.eu-west-1", "web.eu-west-1.123456789012", "web-b.eu-west-1"]
    vpcs: dict[str, list[str]] = {name: [] for name in names}
    for number in range(9):
        name = names[number % 3]
        tags = tag_list(Owner(name, "0" * 12), f"network/vpc/v{number}", "x", {})
        made = await site.ec2.create_vpc(
            CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
        )
        vpcs[name].append(made["Vpc"]["VpcId"])
    cloud.inject("DescribeTags", Pages(), times=ALWAYS)

    told = await crowd(*[lambda ec2, one=one: read_marks(ec2, one, page_size) for one in names])

    assert [set(one) for one in told] == [set(vpcs[name]) for name in names]
    assert all(mark.told() is not None for marks in told for mark in marks.values())
    assert len(cloud.calls("DescribeTags")) == calls


async def test_who_is_alone_waits_for_nobody(
    crowd: Crowd, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call after the other goes at once, however long others would be waited for."""
    monkeypatch.setattr(gathering, "WINDOW", LONG)
    ids = await launched(site, 1)
    begun = clock()

    for _ in range(5):
        assert await crowd(lambda ec2: status(ec2, *ids)) == [ids]

    assert clock() - begun < LONG


async def test_who_comes_while_a_call_is_under_way_goes_with_the_next(
    crowd: Crowd, cloud: Cloud, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as that one is answered: it does not answer those who came after it was sent."""
    monkeypatch.setattr(gathering, "WINDOW", LONG)
    ids = await launched(site, 4)
    cloud.inject("DescribeInstanceStatus", held := Held())
    first = asyncio.create_task(crowd(lambda ec2: status(ec2, ids[0])))
    await held.arrived.wait()
    others = asyncio.create_task(crowd(*[lambda ec2, one=one: status(ec2, one) for one in ids]))
    await asyncio.sleep(0)

    held.released.set()

    assert await asyncio.wait_for(others, SOON) == [[one] for one in ids]
    assert await first == [[ids[0]]]
    assert len(cloud.calls("DescribeInstanceStatus")) == 2


async def test_a_call_that_hangs_holds_up_nobody_else(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """After the window the others are asked for all the same."""
    ids = await launched(site, 3)
    cloud.inject("DescribeInstanceStatus", held := Held())
    first = asyncio.create_task(crowd(lambda ec2: status(ec2, ids[0])))
    await held.arrived.wait()

    others = crowd(*[lambda ec2, one=one: status(ec2, one) for one in ids[1:]])

    assert await asyncio.wait_for(others, SOON) == [[one] for one in ids[1:]]
    assert len(cloud.calls("DescribeInstanceStatus")) == 2
    held.released.set()
    await first


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Let garbage in cycles be collected when the test says so, and at no other time."""
    gc.disable()
    yield
    gc.enable()


def made_for_calls() -> list[object]:
    """What there is of it now."""
    sorts = (Call, Member, Batch, EC2QueryParser)
    return [one for one in gc.get_objects() if isinstance(one, sorts)]


@pytest.mark.usefixtures("no_collector")
async def test_what_a_call_is_made_of_goes_by_itself(crowd: Crowd, site: Site) -> None:
    """Of a call for one as of one for many nothing is left in a cycle: so the collector, which
    stops every thread of a worker, can look seldom."""
    ids = await launched(site, 3)
    await crowd(lambda ec2: status(ec2, *ids))
    gc.collect()
    there_were = made_for_calls()

    await crowd(lambda ec2: status(ec2, ids[0]))
    await crowd(*[lambda ec2, one=one: status(ec2, one) for one in ids])
    await crowd(lambda ec2: ec2.create_vpc(CidrBlock="10.0.0.0/16"))

    assert made_for_calls() == there_were
