"""The strict cloud deletes nothing that something else hangs on."""

from typing import Any

from tests.cloud import Behaviour, Cloud, Durations
from tests.site import NEVER, Site, outcome

IN_USE = "DependencyViolation"
SLOW = Behaviour(durations=Durations(shutting_down=NEVER, nat_gateway_deleting=NEVER))


async def test_an_instance_holds_its_subnet_its_group_and_the_way_out(
    cloud: Cloud, site: Site
) -> None:
    """Until it is terminated: while it shuts down as well."""
    cloud.behave(SLOW)
    instance = await site.launch()

    async def held() -> set[str]:
        return {await site.delete_subnet(), await site.delete_group(), await site.detach()}

    assert await held() == {IN_USE}
    await site.ec2.terminate_instances(InstanceIds=[instance])
    assert await held() == {IN_USE}


async def test_a_terminated_instance_holds_nothing(cloud: Cloud, site: Site) -> None:
    """Its interface and its volume are gone with it, and all can be taken down."""
    await site.ec2.terminate_instances(InstanceIds=[await site.launch()])

    assert await site.delete_subnet() == await site.delete_group() == await site.detach() == "done"
    await site.ec2.delete_internet_gateway(InternetGatewayId=site.gateway)
    assert await site.delete_vpc() == "done"
    assert not await cloud.inventory()
    assert (await site.ec2.describe_network_acls())["NetworkAcls"][0]["IsDefault"]


async def test_a_nat_gateway_holds_its_subnet_its_address_and_the_way_out(
    cloud: Cloud, site: Site
) -> None:
    """While it is being deleted as well; when it is gone, it holds nothing."""
    cloud.behave(SLOW)
    gateway, address = await site.make_nat_gateway()

    async def held() -> list[str]:
        released = await outcome(site.ec2.release_address(AllocationId=address))
        return [await site.delete_subnet(), await site.detach(), released]

    assert await held() == [IN_USE, IN_USE, "InvalidIPAddress.InUse"]
    await site.ec2.delete_nat_gateway(NatGatewayId=gateway)
    assert await held() == [IN_USE, IN_USE, "InvalidIPAddress.InUse"]
    assert (await cloud.inventory()).of("nat_gateway")[0].state == "deleting"

    cloud.behave(Behaviour())
    gone, its_address = await site.make_nat_gateway()
    await site.ec2.delete_nat_gateway(NatGatewayId=gone)
    assert await outcome(site.ec2.release_address(AllocationId=its_address)) == "done"
    assert gone not in (await cloud.inventory()).ids["nat_gateway"]


async def test_an_unknown_nat_gateway_is_not_found(site: Site) -> None:
    """moto stumbles over it."""
    unknown = "nat-0123456789abcdef0"
    told = await outcome(site.ec2.delete_nat_gateway(NatGatewayId=unknown))
    assert told == "NatGatewayNotFound"


async def test_the_address_of_a_nat_gateway_cannot_be_taken_from_it(site: Site) -> None:
    """EC2 says that it is not the caller's to take."""
    _, address = await site.make_nat_gateway()
    (found,) = (await site.ec2.describe_addresses(AllocationIds=[address]))["Addresses"]
    taken = site.ec2.disassociate_address(AssociationId=found["AssociationId"])
    assert await outcome(taken) == "AuthFailure"


async def test_a_group_is_held_by_the_rules_that_name_it(site: Site) -> None:
    """By those of other groups, in and out; its own may name it."""
    other = await site.make_group("other")
    of_other = [
        {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": other}]}
    ]
    await site.ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=of_other)
    await site.ec2.authorize_security_group_egress(GroupId=site.group, IpPermissions=of_other)

    assert await site.delete_group(other) == IN_USE
    await site.ec2.revoke_security_group_egress(GroupId=site.group, IpPermissions=of_other)
    assert await site.delete_group(other) == "done"


async def test_the_default_group_goes_with_its_vpc_alone(site: Site) -> None:
    """Nobody can delete it."""
    assert await site.delete_group(await site.default_group()) == "CannotDelete"


async def test_the_default_group_can_be_stripped_of_its_rules(cloud: Cloud, site: Site) -> None:
    """It has one for its own members and one for all that goes out, and never counts."""
    group, ec2 = await site.default_group(), site.ec2

    async def rules() -> tuple[list[Any], list[Any]]:
        (told,) = (await ec2.describe_security_groups(GroupIds=[group]))["SecurityGroups"]
        return told["IpPermissions"], told["IpPermissionsEgress"]

    ingress, egress = await rules()
    assert [pair["GroupId"] for pair in ingress[0]["UserIdGroupPairs"]] == [group]
    assert [one["CidrIp"] for one in egress[0]["IpRanges"]] == ["0.0.0.0/0"]
    revoked = ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=ingress)
    assert await outcome(revoked) == "done"
    revoked = ec2.revoke_security_group_egress(GroupId=group, IpPermissions=egress)
    assert await outcome(revoked) == "done"
    assert await rules() == ([], [])
    again = ec2.revoke_security_group_egress(GroupId=group, IpPermissions=egress)
    assert await outcome(again) == "InvalidPermission.NotFound"
    given = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=ingress)
    assert await outcome(given) == "done"
    assert (await cloud.inventory()).ids["security_group"] == [site.group]


async def test_a_vpc_is_held_by_all_that_is_in_it(site: Site) -> None:
    """By its subnet, gateway and group, each by itself; its main route table goes along."""
    assert await site.delete_vpc() == IN_USE
    await site.delete_subnet()
    assert await site.delete_vpc() == IN_USE
    await site.detach()
    assert await site.delete_vpc() == IN_USE
    await site.delete_group()
    assert await site.delete_vpc() == "done"


async def test_an_attached_internet_gateway_cannot_be_deleted(site: Site) -> None:
    """It is detached first."""
    deleted = site.ec2.delete_internet_gateway(InternetGatewayId=site.gateway)
    assert await outcome(deleted) == IN_USE


async def test_a_route_table_is_held_by_its_associations(site: Site) -> None:
    """A deleted subnet takes its association along; the main table goes with its VPC alone."""
    of_vpc = [{"Name": "vpc-id", "Values": [site.vpc]}]
    (main,) = (await site.ec2.describe_route_tables(Filters=of_vpc))["RouteTables"]
    table = (await site.ec2.create_route_table(VpcId=site.vpc))["RouteTable"]["RouteTableId"]
    await site.ec2.associate_route_table(RouteTableId=table, SubnetId=site.subnet)

    async def delete(one: str) -> str:
        return await outcome(site.ec2.delete_route_table(RouteTableId=one))

    assert await delete(table) == IN_USE
    assert await delete(main["RouteTableId"]) == IN_USE
    await site.delete_subnet()
    assert await delete(table) == "done"


async def test_an_attached_interface_cannot_be_deleted(site: Site) -> None:
    """A free one can, and holds its subnet until then."""
    await site.launch()
    (attached,) = [
        one["NetworkInterfaceId"]
        for one in (await site.ec2.describe_network_interfaces())["NetworkInterfaces"]
    ]
    made = await site.ec2.create_network_interface(SubnetId=site.subnet)
    free = made["NetworkInterface"]["NetworkInterfaceId"]

    async def delete(one: str) -> str:
        return await outcome(site.ec2.delete_network_interface(NetworkInterfaceId=one))

    assert await delete(attached) == "InvalidNetworkInterface.InUse"
    assert await site.delete_subnet() == IN_USE
    assert await delete(free) == "done"


async def test_a_route_leads_to_a_gateway_of_the_same_vpc_alone(site: Site) -> None:
    """A gateway that is not attached leads nowhere."""
    table = (await site.ec2.create_route_table(VpcId=site.vpc))["RouteTable"]["RouteTableId"]
    made = await site.ec2.create_internet_gateway()
    stray = made["InternetGateway"]["InternetGatewayId"]
    for gateway, expected in ((stray, "InvalidParameterValue"), (site.gateway, "done")):
        made = site.ec2.create_route(
            RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway
        )
        assert await outcome(made) == expected
