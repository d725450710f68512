"""The strict cloud's VPC endpoints need, hold and exclude what AWS's do."""

from typing import Any

from tests.cloud import Behaviour, Cloud, Durations, Quotas
from tests.harness import outsider
from tests.site import NEVER, Site, outcome
from worker.servers import LocalAws

S3 = "com.amazonaws.eu-west-1.s3"
SSM = "com.amazonaws.eu-west-1.ssm"
IN_USE = "DependencyViolation"


async def main_table(site: Site) -> str:
    of_vpc = [{"Name": "vpc-id", "Values": [site.vpc]}]
    (main,) = (await site.ec2.describe_route_tables(Filters=of_vpc))["RouteTables"]
    return str(main["RouteTableId"])


async def make_gateway(site: Site, **more: Any) -> str:
    made = await site.ec2.create_vpc_endpoint(
        VpcId=site.vpc, ServiceName=S3, RouteTableIds=[await main_table(site)], **more
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


async def make_interface(site: Site, **more: Any) -> str:
    asked = {"ServiceName": SSM, "SubnetIds": [site.subnet], "PrivateDnsEnabled": False} | more
    made = await site.ec2.create_vpc_endpoint(
        VpcId=site.vpc, VpcEndpointType="Interface", SecurityGroupIds=[site.group], **asked
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


async def allow_private_dns(site: Site) -> None:
    await site.ec2.modify_vpc_attribute(VpcId=site.vpc, EnableDnsHostnames={"Value": True})


async def described(site: Site, endpoint: str) -> dict[str, Any]:
    told = await site.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])
    return dict(told["VpcEndpoints"][0])


async def delete(site: Site, *endpoints: str) -> list[tuple[str, str]]:
    """What was not done, and why."""
    told = await site.ec2.delete_vpc_endpoints(VpcEndpointIds=list(endpoints))
    return [(one["ResourceId"], one["Error"]["Code"]) for one in told["Unsuccessful"]]


async def routes_to(site: Site, endpoint: str) -> int:
    (told,) = (await site.ec2.describe_route_tables(RouteTableIds=[await main_table(site)]))[
        "RouteTables"
    ]
    return sum(one.get("GatewayId") == endpoint for one in told["Routes"])


async def test_an_interface_endpoint_holds_its_subnet_and_group_until_it_is_deleted(
    cloud: Cloud, site: Site
) -> None:
    """Through all of its states, by interfaces that are not the caller's."""
    lasts = Durations(interface_endpoint_pending=0.3, interface_endpoint_deleting=NEVER)
    cloud.behave(Behaviour(durations=lasts))
    endpoint = await make_interface(site)
    assert (await described(site, endpoint))["State"] == "pending"
    while (found := await described(site, endpoint))["State"] == "pending":
        pass
    assert (found["State"], found["SubnetIds"]) == ("available", [site.subnet])
    assert [one["GroupId"] for one in found["Groups"]] == [site.group]
    (interface,) = found["NetworkInterfaceIds"]
    told = await site.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])
    assert told["NetworkInterfaces"][0]["RequesterManaged"] is True
    assert (await cloud.inventory()).counts["vpc_endpoint"] == 1
    assert "network_interface" not in (await cloud.inventory()).counts

    for _ in range(2):
        assert await delete(site, endpoint) == []
        assert (await described(site, endpoint))["State"] == "deleting"
        assert [await site.delete_subnet(), await site.delete_group()] == [IN_USE, IN_USE]


async def test_a_deleted_endpoint_holds_nothing(cloud: Cloud, site: Site) -> None:
    """Neither of either type; the routes of a gateway endpoint go with it."""
    interface, gateway = await make_interface(site), await make_gateway(site)
    assert await routes_to(site, gateway) == 1
    assert await delete(site, interface, gateway) == []

    assert await routes_to(site, gateway) == 0
    assert "vpc_endpoint" not in (await cloud.inventory()).ids
    assert [await site.delete_subnet(), await site.delete_group()] == ["done", "done"]
    await site.detach()
    assert await site.delete_vpc() == "done"


async def test_a_gateway_endpoint_holds_its_vpc(cloud: Cloud, site: Site) -> None:
    """While it is being deleted as well."""
    cloud.behave(Behaviour(durations=Durations(gateway_endpoint_deleting=NEVER)))
    assert await delete(site, await make_gateway(site)) == []
    await site.delete_subnet()
    await site.delete_group()
    await site.detach()
    assert await site.delete_vpc() == IN_USE


async def test_a_service_has_one_gateway_endpoint_in_a_route_table(site: Site) -> None:
    """Another service, and the same one when the first is gone, can have one."""
    first = await make_gateway(site)
    assert await outcome(make_gateway(site)) == "RouteAlreadyExists"
    other = site.ec2.create_vpc_endpoint(
        VpcId=site.vpc,
        ServiceName="com.amazonaws.eu-west-1.dynamodb",
        RouteTableIds=[await main_table(site)],
    )
    assert await outcome(other) == "done"
    await delete(site, first)
    assert await outcome(make_gateway(site)) == "done"


async def test_private_dns_is_one_endpoints_and_needs_both_attributes(site: Site) -> None:
    """Of a service in a VPC; without private DNS there may be more."""
    assert await outcome(make_interface(site, PrivateDnsEnabled=True)) == "InvalidParameter"
    await allow_private_dns(site)
    assert await outcome(make_interface(site, PrivateDnsEnabled=True)) == "done"
    assert await outcome(make_interface(site, PrivateDnsEnabled=True)) == "InvalidParameter"
    assert await outcome(make_interface(site)) == "done"


async def test_what_an_endpoint_asks_for_must_be_there(cloud: Cloud, site: Site) -> None:
    """Its service, of its type; its groups; one subnet a zone. Nothing is left of a refusal."""
    (here,) = (await site.ec2.describe_subnets(SubnetIds=[site.subnet]))["Subnets"]
    made = await site.ec2.create_subnet(
        VpcId=site.vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=here["AvailabilityZone"]
    )
    beside = made["Subnet"]["SubnetId"]
    told = [
        await outcome(call)
        for call in (
            make_interface(site, ServiceName="com.amazonaws.eu-west-1.no-such"),
            make_interface(site, ServiceName="com.amazonaws.us-east-1.ssm"),
            site.ec2.create_vpc_endpoint(VpcId=site.vpc, ServiceName=SSM),
            make_interface(site, SubnetIds=["subnet-0123456789abcdef0"]),
            make_interface(site, SubnetIds=[site.subnet, beside]),
            site.ec2.create_vpc_endpoint(
                VpcId=site.vpc,
                ServiceName=SSM,
                VpcEndpointType="Interface",
                PrivateDnsEnabled=False,
                SecurityGroupIds=["sg-0123456789abcdef0"],
            ),
        )
    ]
    assert told == [
        "InvalidServiceName",
        "InvalidServiceName",
        "InvalidParameter",
        "InvalidSubnetID.NotFound",
        "DuplicateSubnetsInSameZone",
        "InvalidGroup.NotFound",
    ]
    assert not {"vpc_endpoint", "network_interface"} & set((await cloud.inventory()).ids)


async def test_what_is_not_deleted_is_told_item_by_item(site: Site) -> None:
    """The others are."""
    endpoint, unknown = await make_gateway(site), "vpce-0123456789abcdef0"
    assert await delete(site, unknown, endpoint) == [(unknown, "InvalidVpcEndpoint.NotFound")]
    assert await delete(site, endpoint) == [(endpoint, "InvalidVpcEndpoint.NotFound")]
    known = site.ec2.describe_vpc_endpoints(VpcEndpointIds=[unknown])
    assert await outcome(known) == "InvalidVpcEndpointId.NotFound"


async def test_an_unseen_endpoint_is_told_as_not_deleted(
    cloud: Cloud, site: Site, aws: LocalAws
) -> None:
    """While its id is unknown to AWS; what is seen, made through another cloud, goes."""
    async with Cloud(aws.url) as other, outsider(other.url) as ec2:
        made = await ec2.create_vpc_endpoint(VpcId=site.vpc, ServiceName=S3)
        seen = made["VpcEndpoint"]["VpcEndpointId"]
    unseen = await make_interface(site)
    cloud.behave(Behaviour(id_lag=NEVER))
    assert await delete(site, seen, unseen) == [(unseen, "InvalidVpcEndpoint.NotFound")]
    assert (await cloud.inventory()).ids["vpc_endpoint"] == [unseen]


async def test_an_endpoint_is_made_once_by_its_token(cloud: Cloud, site: Site) -> None:
    """And is found by filters."""
    one = await make_gateway(site, ClientToken="one")
    assert await make_gateway(site, ClientToken="one") == one
    await site.ec2.create_tags(Resources=[one], Tags=[{"Key": "of", "Value": "test"}])
    filters = {
        "vpc-id": site.vpc,
        "vpc-endpoint-id": one,
        "service-name": S3,
        "vpc-endpoint-state": "available",
        "tag:of": "test",
    }
    wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
    found = (await site.ec2.describe_vpc_endpoints(Filters=wanted))["VpcEndpoints"]
    assert [found["VpcEndpointId"] for found in found] == [one]


async def test_there_are_only_so_many_endpoints(cloud: Cloud, site: Site) -> None:
    """Of gateways in a region, of interfaces in a VPC."""
    cloud.behave(Behaviour(quotas=Quotas(gateway_endpoints=1, interface_endpoints_per_vpc=1)))
    assert await outcome(make_gateway(site)) == "done"
    assert await outcome(make_gateway(site)) == "VpcEndpointLimitExceeded"
    assert await outcome(make_interface(site)) == "done"
    assert await outcome(make_interface(site)) == "VpcEndpointLimitExceeded"
