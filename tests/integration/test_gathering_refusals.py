"""A call for many that goes wrong harms none but those whose own call would have gone wrong."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from tasks.aws.errors import AwsError, Halted
from tasks.lease import End
from tests.cloud import Behaviour, Cloud, Held, refused, throttled
from tests.everything import REGION
from tests.integration.conftest import Crowd
from tests.integration.test_gathering import SOON, ids_by_filter, launched, status
from tests.site import NEVER, Site, make_vpc

UNKNOWN = "i-0123456789abcdef0"
UNKNOWN_ENDPOINT = "vpce-0123456789abcdef0"


async def terminate(ec2: Any, *ids: str) -> list[str]:
    answer = await ec2.terminate_instances(InstanceIds=[*ids])
    return [one["InstanceId"] for one in answer["TerminatingInstances"]]


async def states(site: Site, ids: list[str]) -> Counter[str]:
    answer = await site.ec2.describe_instance_status(InstanceIds=ids, IncludeAllInstances=True)
    return Counter(one["InstanceState"]["Name"] for one in answer["InstanceStatuses"])


async def outcomes(*waiting: "asyncio.Task[Any]") -> list[Any]:
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_an_unknown_id_is_nobodys_failure_but_its_own(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """AWS refuses a call for it: he who named it asks alone, and the others together once more."""
    ids = await launched(site, 9)
    asked = [*ids, UNKNOWN]

    doors = [await crowd.door() for _ in asked]
    told = await outcomes(
        *(asyncio.create_task(status(ec2, one)) for ec2, one in zip(doors, asked, strict=True))
    )

    assert told[:-1] == [[one] for one in ids]
    assert isinstance(told[-1], AwsError)
    assert told[-1].code == "InvalidInstanceID.NotFound"
    of_others = [
        call.values("InstanceId")
        for call in cloud.calls("DescribeInstanceStatus")
        if call.values("InstanceId") != [UNKNOWN]
    ]
    assert [sorted(one) for one in of_others] == [sorted(asked), sorted(ids)]


async def test_a_refusal_that_names_nobody_is_nobodys(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """Each makes his own call then, and is told what comes of that."""
    ids = await launched(site, 3)
    cloud.inject("DescribeInstanceStatus", refused("InvalidParameterValue"))

    told = await crowd(*[lambda ec2, one=one: status(ec2, one) for one in ids])

    assert told == [[one] for one in ids]
    sent = [call.values("InstanceId") for call in cloud.calls("DescribeInstanceStatus")]
    assert sent[0] == ids
    assert sorted(sent[1:]) == sorted([one] for one in ids)


async def test_what_an_answer_lacks_is_asked_for_singly(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """Once: what a call for many does not show may show in his own. The others wait no longer."""
    ids = await launched(site, 3)

    told = await crowd(*[lambda ec2, one=one: ids_by_filter(ec2, one) for one in (*ids, UNKNOWN)])

    assert told == [[[one]] for one in ids] + [[]]
    sent = [call.values("Filter.1.Value") for call in cloud.calls("DescribeInstances")]
    assert sent == [[*ids, UNKNOWN], [UNKNOWN]]


async def test_what_shows_late_is_seen_as_by_a_call_of_ones_own(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """What AWS did not show in a call for many it may show in the next, as it does to anybody."""
    cloud.behave(replace(Behaviour(), id_lag=NEVER, flapping=0.6))
    ids = await launched(site, 4)

    told = await crowd(*[lambda ec2, one=one: status(ec2, one) for one in ids])

    assert told == [[one] for one in ids]


async def test_a_throttled_call_is_made_again_by_all_and_together(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """It was nobody's fault: each waits his time, and none of them fails."""
    ids = await launched(site, 4)
    cloud.inject("DescribeInstanceStatus", throttled(), times=2)

    told = await crowd(*[lambda ec2, one=one: status(ec2, one) for one in ids])

    assert told == [[one] for one in ids]


async def test_missing_permission_to_read_is_told_to_all_by_one_call(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """It does not hang on what is asked for: so nobody asks again for himself."""
    cloud.behave(Behaviour(denied=frozenset({"DescribeInstanceStatus"})))
    doors = [await crowd.door() for _ in range(4)]

    told = await outcomes(*(asyncio.create_task(status(ec2, UNKNOWN)) for ec2 in doors))

    assert {one.code for one in told} == {"UnauthorizedOperation"}
    assert len(set(map(id, told))) == 4
    assert len(cloud.calls("DescribeInstanceStatus")) == 1


async def test_who_is_halted_leaves_at_once_and_the_others_get_their_answer(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """A worker that loses one lease goes on with what it has for the others."""
    ids = await launched(site, 3)
    cloud.inject("DescribeInstanceStatus", held := Held())
    doors = [await crowd.door() for _ in ids]
    one, *others = [
        asyncio.create_task(status(ec2, one)) for ec2, one in zip(doors, ids, strict=True)
    ]
    await held.arrived.wait()

    crowd.leases[0].halt(End.LOST)

    with pytest.raises(Halted, match="the lease was lost"):
        await asyncio.wait_for(one, SOON)
    assert not any(task.done() for task in others)
    held.released.set()
    assert await outcomes(*others) == [[one] for one in ids[1:]]


async def test_instances_of_many_environments_end_by_one_call(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """And its line in the log names them all."""
    ids = await launched(site, 4)

    with capture_logs() as lines:
        told = await crowd(
            *[lambda ec2, some=some: terminate(ec2, *some) for some in (ids[:2], ids[2:])]
        )

    assert told == [ids[:2], ids[2:]]
    assert len(cloud.calls("TerminateInstances")) == 1
    (line,) = [one for one in lines if one.get("action") == "TerminateInstances"]
    assert line["environments"] == ["env-0.eu-west-1", "env-1.eu-west-1"]


async def test_what_is_protected_keeps_no_other_environment_from_its_end(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """AWS may end some and refuses the call: to end them once more does no harm."""
    ids = await launched(site, 4)
    await site.ec2.modify_instance_attribute(
        InstanceId=ids[0], DisableApiTermination={"Value": True}
    )
    doors = [await crowd.door() for _ in ids]

    told = await outcomes(
        *(asyncio.create_task(terminate(ec2, one)) for ec2, one in zip(doors, ids, strict=True))
    )

    assert isinstance(told[0], AwsError)
    assert told[0].code == "OperationNotPermitted"
    assert told[1:] == [[one] for one in ids[1:]]
    assert (await states(site, ids))["running"] == 1


async def test_what_aws_tells_item_by_item_is_done_for_the_others(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """Few calls on endpoints are let through: so one deletes those of many environments."""
    service = f"com.amazonaws.{REGION}.s3"
    made = [
        await site.ec2.create_vpc_endpoint(VpcId=await make_vpc(site.ec2), ServiceName=service)
        for _ in range(3)
    ]
    ids = [one["VpcEndpoint"]["VpcEndpointId"] for one in made]
    asked = [*ids, UNKNOWN_ENDPOINT]
    doors = [await crowd.door() for _ in asked]

    told = await asyncio.gather(
        *(
            ec2.delete_vpc_endpoints(VpcEndpointIds=[one])
            for ec2, one in zip(doors, asked, strict=True)
        ),
        return_exceptions=True,
    )

    assert [type(one) for one in told] == [dict, dict, dict, AwsError]
    assert not (await cloud.inventory()).of("vpc_endpoint")
    sent = [call.values("VpcEndpointId") for call in cloud.calls("DeleteVpcEndpoints")]
    assert sent == [asked, [UNKNOWN_ENDPOINT]]


async def test_nothing_is_ended_for_who_may_not_any_more(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """A lease that is lost while others are waited for ends nothing: the others' goes on."""
    ids = await launched(site, 3)
    cloud.inject("TerminateInstances", held := Held())
    first = asyncio.create_task(terminate(await crowd.door(), ids[0]))
    await held.arrived.wait()
    doors = [await crowd.door() for _ in ids[1:]]
    lost, other = [
        asyncio.create_task(terminate(ec2, one)) for ec2, one in zip(doors, ids[1:], strict=True)
    ]
    await asyncio.sleep(0)

    crowd.leases[1].until = 0.0
    held.released.set()

    assert await other == [ids[2]]
    assert await first == [ids[0]]
    with pytest.raises(Halted):
        await lost
    sent = [call.values("InstanceId") for call in cloud.calls("TerminateInstances")]
    assert sent == [[ids[0]], [ids[2]]]


async def test_an_end_that_was_sent_is_waited_for(crowd: Crowd, cloud: Cloud, site: Site) -> None:
    """Whoever takes over must not find it under way."""
    ids = await launched(site, 1)
    cloud.inject("TerminateInstances", held := Held())
    one = asyncio.create_task(terminate(await crowd.door(), *ids))
    await held.arrived.wait()

    crowd.leases[0].halt(End.STOPPING)
    await asyncio.sleep(0)

    assert not one.done()
    held.released.set()
    assert await one == ids


async def test_a_worker_that_dies_sends_nothing_that_waited(
    crowd: Crowd, cloud: Cloud, site: Site
) -> None:
    """Nobody waits for it any more."""
    ids = await launched(site, 2)
    cloud.inject("TerminateInstances", held := Held())
    first = asyncio.create_task(terminate(await crowd.door(), ids[0]))
    await held.arrived.wait()
    second = asyncio.create_task(terminate(await crowd.door(), ids[1]))
    await asyncio.sleep(0)

    second.cancel()
    held.released.set()
    await first
    await outcomes(second)

    assert second.cancelled()
    assert len(cloud.calls("TerminateInstances")) == 1
