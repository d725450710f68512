"""The strict cloud's addresses and NAT gateways need, hold and refuse what AWS's do."""

from typing import Any

from tests.cloud import Behaviour, Cloud, Durations, Quotas
from tests.site import NEVER, Site, outcome


async def described(site: Site, gateway: str) -> dict[str, Any]:
    (found,) = (await site.ec2.describe_nat_gateways(NatGatewayIds=[gateway]))["NatGateways"]
    return dict(found)


async def address_of(site: Site, allocation: str) -> dict[str, Any]:
    (found,) = (await site.ec2.describe_addresses(AllocationIds=[allocation]))["Addresses"]
    return dict(found)


async def test_a_nat_gateway_without_a_way_out_fails(cloud: Cloud, site: Site) -> None:
    """It is pending first, then tells why, and holds neither its address nor its subnet."""
    await site.detach()
    cloud.behave(Behaviour(durations=Durations(nat_gateway_pending=0.3)))
    gateway, address = await site.make_nat_gateway()
    assert (await described(site, gateway))["State"] == "pending"
    while (found := await described(site, gateway))["State"] == "pending":
        pass

    assert (found["State"], found["FailureCode"]) == ("failed", "Gateway.NotAttached")
    assert found["FailureMessage"] == f"Network {site.vpc} has no Internet gateway attached"
    assert (await cloud.inventory()).of("nat_gateway")[0].state == "failed"
    assert await outcome(site.ec2.release_address(AllocationId=address)) == "done"
    assert await site.delete_subnet() == "done"
    assert await outcome(site.ec2.delete_nat_gateway(NatGatewayId=gateway)) == "done"
    assert "nat_gateway" not in (await cloud.inventory()).ids


async def test_an_address_serves_one_nat_gateway(site: Site) -> None:
    """A second gateway of the same address fails, and the first keeps it."""
    first, address = await site.make_nat_gateway()
    made = await site.ec2.create_nat_gateway(SubnetId=site.subnet, AllocationId=address)
    second = await described(site, made["NatGateway"]["NatGatewayId"])

    assert (second["State"], second["FailureCode"]) == ("failed", "Resource.AlreadyAssociated")
    (held,) = (await described(site, first))["NatGatewayAddresses"]
    assert held["AllocationId"] == address
    assert held["PublicIp"] == (await address_of(site, address))["PublicIp"]
    stolen = site.ec2.associate_address(AllocationId=address, InstanceId=await site.launch())
    assert await outcome(stolen) == "AuthFailure"


async def test_a_nat_gateway_with_an_unknown_address_leaves_nothing(
    cloud: Cloud, site: Site
) -> None:
    """It is refused before anything is made."""
    made = site.ec2.create_nat_gateway(SubnetId=site.subnet, AllocationId="eipalloc-0123abcd")
    assert await outcome(made) == "InvalidAllocationID.NotFound"
    assert await site.delete_subnet() == "done"
    assert "nat_gateway" not in (await cloud.inventory()).ids


async def test_nat_gateways_are_found_by_tag_and_by_id(site: Site) -> None:
    """An unknown id is an error, and not an empty answer."""
    gateway, _ = await site.make_nat_gateway()
    tags = [{"Key": "of", "Value": "test"}]
    await site.ec2.create_tags(Resources=[gateway], Tags=tags)

    async def found(value: str) -> list[str]:
        wanted = [
            {"Name": "tag:of", "Values": [value]},
            {"Name": "state", "Values": ["available"]},
        ]
        told = await site.ec2.describe_nat_gateways(Filter=wanted)
        return [one["NatGatewayId"] for one in told["NatGateways"]]

    assert (await found("test"), await found("other")) == ([gateway], [])
    unknown = site.ec2.describe_nat_gateways(NatGatewayIds=["nat-0123456789abcdef0"])
    assert await outcome(unknown) == "NatGatewayNotFound"


async def test_a_nat_gateway_is_deleted_once(cloud: Cloud, site: Site) -> None:
    """To delete what is being deleted is no error."""
    cloud.behave(Behaviour(durations=Durations(nat_gateway_deleting=NEVER)))
    gateway, _ = await site.make_nat_gateway()
    for _ in range(2):
        assert await outcome(site.ec2.delete_nat_gateway(NatGatewayId=gateway)) == "done"
    assert (await described(site, gateway))["State"] == "deleting"


async def test_a_zone_has_so_many_nat_gateways(cloud: Cloud, site: Site) -> None:
    """What is deleted does not count."""
    cloud.behave(Behaviour(quotas=Quotas(nat_gateways_per_zone=1)))
    first, _ = await site.make_nat_gateway()
    assert await outcome(site.make_nat_gateway()) == "NatGatewayLimitExceeded"
    await site.ec2.delete_nat_gateway(NatGatewayId=first)
    assert await outcome(site.make_nat_gateway()) == "done"


async def test_an_address_is_associated_once(site: Site) -> None:
    """Again with the same instance it stays; with another it moves, unless that is forbidden."""
    one, other = await site.launch(), await site.launch()
    address = (await site.ec2.allocate_address())["AllocationId"]

    async def associate(instance: str, **more: Any) -> str:
        made = await site.ec2.associate_address(AllocationId=address, InstanceId=instance, **more)
        return str(made["AssociationId"])

    first = await associate(one)
    assert await associate(one) == first
    refused = associate(other, AllowReassociation=False)
    assert await outcome(refused) == "Resource.AlreadyAssociated"
    assert await associate(other) != first
    assert (await address_of(site, address))["InstanceId"] == other
    told = await site.ec2.describe_instances(InstanceIds=[one])
    public = (await address_of(site, address))["PublicIp"]
    assert told["Reservations"][0]["Instances"][0].get("PublicIpAddress") != public


async def test_an_instance_has_one_address(site: Site) -> None:
    """A second one takes the place of the first, which is free then."""
    instance = await site.launch()
    first, second = [(await site.ec2.allocate_address())["AllocationId"] for _ in range(2)]
    for address in (first, second):
        await site.ec2.associate_address(AllocationId=address, InstanceId=instance)

    assert "AssociationId" not in await address_of(site, first)
    assert await outcome(site.ec2.release_address(AllocationId=first)) == "done"
    assert await outcome(site.ec2.release_address(AllocationId=second)) == "InvalidIPAddress.InUse"


async def test_an_address_needs_a_way_out(site: Site) -> None:
    """In a VPC without an internet gateway nothing can have one."""
    made = await site.ec2.create_network_interface(SubnetId=site.subnet)
    await site.detach()
    address = (await site.ec2.allocate_address())["AllocationId"]
    associated = site.ec2.associate_address(
        AllocationId=address, NetworkInterfaceId=made["NetworkInterface"]["NetworkInterfaceId"]
    )
    assert await outcome(associated) == "Gateway.NotAttached"
