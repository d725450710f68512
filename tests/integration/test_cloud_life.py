"""In the strict cloud instances stop and start slowly, and can be kept from their end."""

from typing import Any

import pytest

from tests.cloud import Behaviour, Cloud, Durations
from tests.integration.test_cloud_states import checks_of, state_of, states_seen
from tests.site import NEVER, Site, outcome


async def public_address(site: Site, instance: str) -> str | None:
    told = await site.ec2.describe_instances(InstanceIds=[instance])
    address: str | None = told["Reservations"][0]["Instances"][0].get("PublicIpAddress")
    return address


async def test_an_instance_stops_and_starts_through_its_states(cloud: Cloud, site: Site) -> None:
    """Stopping, stopped; pending, running; and its checks pass anew."""
    instance = await site.launch()
    lasts = Durations(stopping=1.0, instance_pending=1.0, status_checks=NEVER)
    cloud.behave(Behaviour(durations=lasts))

    async def look() -> str:
        return await state_of(site.ec2, instance)

    told = await site.ec2.stop_instances(InstanceIds=[instance])
    (change,) = told["StoppingInstances"]
    assert change["PreviousState"]["Name"] == "running"
    assert change["CurrentState"]["Name"] == "stopping"
    assert await states_seen(look, "stopped") == ["stopping", "stopped"]
    assert await checks_of(site.ec2, instance) == ("not-applicable", "not-applicable")
    told = await site.ec2.start_instances(InstanceIds=[instance])
    assert told["StartingInstances"][0]["CurrentState"]["Name"] == "pending"
    assert await states_seen(look, "running") == ["pending", "running"]
    assert await checks_of(site.ec2, instance) == ("initializing", "initializing")


async def test_a_stopping_instance_cannot_start(cloud: Cloud, site: Site) -> None:
    """To stop it again is no error."""
    ids = [await site.launch()]
    cloud.behave(Behaviour(durations=Durations(stopping=NEVER)))
    for _ in range(2):
        assert await outcome(site.ec2.stop_instances(InstanceIds=ids)) == "done"
    assert await outcome(site.ec2.start_instances(InstanceIds=ids)) == "IncorrectInstanceState"


async def test_an_instance_that_is_terminated_while_it_stops_never_comes_back(
    cloud: Cloud, site: Site
) -> None:
    """What was to come of its stop changes nothing."""
    instance = await site.launch()
    cloud.behave(Behaviour(durations=Durations(stopping=0.2, shutting_down=0.4)))
    await site.ec2.stop_instances(InstanceIds=[instance])
    await site.ec2.terminate_instances(InstanceIds=[instance])

    async def look() -> str:
        return await state_of(site.ec2, instance)

    assert await states_seen(look, "terminated") == ["shutting-down", "terminated"]


async def test_an_associated_address_stays_through_a_stop(site: Site) -> None:
    """One that AWS gave by itself goes with it, and is another one after the start."""
    given, associated = await site.launch(), await site.launch()
    address = await site.ec2.allocate_address()
    await site.ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=associated)
    before = await public_address(site, given)
    both = [given, associated]
    await site.ec2.stop_instances(InstanceIds=both)
    assert await public_address(site, given) is None
    assert await public_address(site, associated) == address["PublicIp"]
    await site.ec2.start_instances(InstanceIds=both)
    assert await public_address(site, given) not in (None, before)
    assert await public_address(site, associated) == address["PublicIp"]


@pytest.mark.parametrize("at_launch", [True, False])
async def test_a_protected_instance_is_not_terminated(
    cloud: Cloud, site: Site, at_launch: bool
) -> None:
    """Nor the others of the call, until the protection is lifted."""
    other = await site.launch()
    protected = await site.launch(DisableApiTermination=at_launch)
    if not at_launch:
        await protect(site, protected, True)
    both = [other, protected]
    terminated = site.ec2.terminate_instances(InstanceIds=both)
    assert await outcome(terminated) == "OperationNotPermitted"
    assert set((await cloud.inventory()).ids["instance"]) == set(both)
    told = await site.ec2.describe_instance_attribute(
        InstanceId=protected, Attribute="disableApiTermination"
    )
    assert told["DisableApiTermination"]["Value"] is True
    await protect(site, protected, False)
    assert await outcome(site.ec2.terminate_instances(InstanceIds=both)) == "done"


async def protect(site: Site, instance: str, value: bool) -> None:
    await site.ec2.modify_instance_attribute(
        InstanceId=instance, DisableApiTermination={"Value": value}
    )


async def test_a_running_instance_keeps_its_type(site: Site) -> None:
    """It is changed while it is stopped."""
    instance = await site.launch()

    async def change() -> str:
        return await outcome(
            site.ec2.modify_instance_attribute(
                InstanceId=instance, InstanceType={"Value": "t3.small"}
            )
        )

    assert await change() == "IncorrectInstanceState"
    await site.ec2.stop_instances(InstanceIds=[instance])
    assert await change() == "done"


async def test_the_source_destination_check_is_the_interfaces_too(site: Site) -> None:
    """Changed on either, it is told of both; groups likewise."""
    instance, other = await site.launch(), await site.make_group("other")

    async def told() -> tuple[dict[str, Any], dict[str, Any]]:
        found = await site.ec2.describe_instances(InstanceIds=[instance])
        (one,) = found["Reservations"][0]["Instances"]
        return one, one["NetworkInterfaces"][0]

    await site.ec2.modify_instance_attribute(InstanceId=instance, SourceDestCheck={"Value": False})
    one, interface = await told()
    assert (one["SourceDestCheck"], interface["SourceDestCheck"]) == (False, False)
    by_id = {"NetworkInterfaceId": interface["NetworkInterfaceId"]}
    await site.ec2.modify_network_interface_attribute(**by_id, SourceDestCheck={"Value": True})
    await site.ec2.modify_network_interface_attribute(**by_id, Groups=[other])
    one, interface = await told()
    assert (one["SourceDestCheck"], interface["SourceDestCheck"]) == (True, True)
    assert [group["GroupId"] for group in one["SecurityGroups"]] == [other]
    assert await site.delete_group() == "done"
