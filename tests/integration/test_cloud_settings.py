"""The strict cloud's DHCP options and flow logs: what they need, hold and outlive."""

from typing import Any

from tests.cloud import Behaviour, Cloud, Quotas
from tests.site import Site, make_vpc, outcome

TAGS = [{"Key": "of", "Value": "test"}]
WANTED = [{"Name": "tag:of", "Values": ["test"]}]
BUCKET = "logs-of-the-test"


async def make_options(ec2: Any) -> str:
    made = await ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name", "Values": ["example.test"]}],
        TagSpecifications=[{"ResourceType": "dhcp-options", "Tags": TAGS}],
    )
    return str(made["DhcpOptions"]["DhcpOptionsId"])


async def log_flow(site: Site, **more: Any) -> dict[str, Any]:
    asked = {
        "ResourceIds": [site.vpc],
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{BUCKET}",
        "TagSpecifications": [{"ResourceType": "vpc-flow-log", "Tags": TAGS}],
    }
    return dict(
        await site.ec2.create_flow_logs(ResourceType="VPC", TrafficType="ALL", **asked | more)
    )


async def flow_logs(site: Site, **asked: Any) -> list[str]:
    told = await site.ec2.describe_flow_logs(**asked)
    return [one["FlowLogId"] for one in told["FlowLogs"]]


async def test_dhcp_options_are_held_by_their_vpcs(cloud: Cloud, site: Site) -> None:
    """By each of them, until it has others or the default ones again."""
    options, other = await make_options(site.ec2), await make_vpc(site.ec2)
    for vpc in (site.vpc, other):
        await site.ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=vpc)
    told = await site.ec2.describe_vpcs(VpcIds=[site.vpc])
    assert told["Vpcs"][0]["DhcpOptionsId"] == options

    async def delete() -> str:
        return await outcome(site.ec2.delete_dhcp_options(DhcpOptionsId=options))

    assert await delete() == "DependencyViolation"
    await site.ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=other)
    assert await delete() == "DependencyViolation"
    await site.ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=site.vpc)
    assert (await cloud.inventory()).ids["dhcp_options"] == [options]
    assert await delete() == "done"
    assert await delete() == "InvalidDhcpOptionID.NotFound"


async def test_dhcp_options_outlive_their_vpc(cloud: Cloud, site: Site) -> None:
    """It does not take them along; they are found by the tag of their create."""
    options, vpc = await make_options(site.ec2), await make_vpc(site.ec2)
    await site.ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=vpc)
    assert await outcome(site.ec2.delete_vpc(VpcId=vpc)) == "done"

    (found,) = (await site.ec2.describe_dhcp_options(Filters=WANTED))["DhcpOptions"]
    assert (found["DhcpOptionsId"], found["Tags"]) == (options, TAGS)
    (tag,) = (await site.ec2.describe_tags(Filters=WANTED))["Tags"]
    assert (tag["ResourceId"], tag["ResourceType"]) == (options, "dhcp-options")


async def test_a_flow_log_needs_its_bucket(cloud: Cloud, site: Site) -> None:
    """It is told as not made, which is no error, and spends no token."""
    told = await log_flow(site, ClientToken="one")
    assert (told["FlowLogIds"], told["Unsuccessful"][0]["ResourceId"]) == ([], site.vpc)
    await cloud.provide("bucket", BUCKET)
    made = await log_flow(site, ClientToken="one")
    assert made["Unsuccessful"] == []
    assert (await log_flow(site, ClientToken="one"))["FlowLogIds"] == made["FlowLogIds"]
    assert await outcome(log_flow(site)) == "FlowLogAlreadyExists"
    assert (await cloud.inventory()).ids["flow_log"] == made["FlowLogIds"]


async def test_a_flow_log_to_a_log_group_needs_a_role(cloud: Cloud, site: Site) -> None:
    """And tells by its status whether it can write there."""
    await cloud.provide("log_group", "flows")
    asked: dict[str, Any] = {"LogDestinationType": "cloud-watch-logs", "LogGroupName": "flows"}
    refused = site.ec2.create_flow_logs(
        ResourceIds=[site.vpc], ResourceType="VPC", TrafficType="ALL", **asked
    )
    assert await outcome(refused) == "InvalidParameter"
    made = await site.ec2.create_flow_logs(
        ResourceIds=[site.vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/flows",
        **asked,
    )
    (found,) = (await site.ec2.describe_flow_logs(FlowLogIds=made["FlowLogIds"]))["FlowLogs"]
    assert (found["FlowLogStatus"], found["DeliverLogsStatus"]) == ("ACTIVE", "SUCCESS")


async def test_a_flow_log_is_deleted_item_by_item(cloud: Cloud, site: Site) -> None:
    """And outlives its VPC otherwise."""
    await cloud.provide("bucket", BUCKET)
    (log,) = (await log_flow(site))["FlowLogIds"]
    await site.delete_subnet()
    await site.delete_group()
    await site.detach()
    assert await site.delete_vpc() == "done"
    assert await flow_logs(site, Filters=WANTED) == await flow_logs(site) == [log]

    unknown = "fl-0123456789abcdef0"
    told = await site.ec2.delete_flow_logs(FlowLogIds=[unknown, log])
    assert [(one["ResourceId"], one["Error"]["Code"]) for one in told["Unsuccessful"]] == [
        (unknown, "InvalidFlowLogId.NotFound")
    ]
    assert await flow_logs(site) == []
    described = site.ec2.describe_flow_logs(FlowLogIds=[log])
    assert await outcome(described) == "InvalidFlowLogId.NotFound"


async def test_a_resource_has_only_so_many_flow_logs(cloud: Cloud, site: Site) -> None:
    """Whatever their destination."""
    cloud.behave(Behaviour(quotas=Quotas(flow_logs_per_resource=1)))
    await cloud.provide("bucket", BUCKET)
    await log_flow(site)
    more = log_flow(site, LogDestination="arn:aws:s3:::another")
    assert await outcome(more) == "FlowLogsLimitExceeded"
