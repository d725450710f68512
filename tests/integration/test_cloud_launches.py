"""The strict cloud launches what the form asks for, and refuses what cannot be."""

from typing import Any

import pytest

from tests.cloud import Behaviour, Cloud, Durations, Quotas
from tests.everything import IMAGE
from tests.site import NEVER, Site, outcome

ROOT = "/dev/xvda"
SPOT = {"MarketType": "spot"}


async def launch(site: Site, count: int = 1, **asked: Any) -> list[str]:
    """By the instance's own subnet and groups, without an interface in the form."""
    launched = await site.ec2.run_instances(
        MinCount=count,
        MaxCount=count,
        **{"ImageId": IMAGE, "InstanceType": "t3.micro", "SubnetId": site.subnet} | asked,
    )
    return [one["InstanceId"] for one in launched["Instances"]]


async def described(site: Site, instance: str) -> dict[str, Any]:
    told = await site.ec2.describe_instances(InstanceIds=[instance])
    return dict(told["Reservations"][0]["Instances"][0])


def volume(**ebs: Any) -> dict[str, Any]:
    return {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 10, "VolumeType": "gp3", **ebs}}


def tagged(kind: str) -> dict[str, Any]:
    return {"ResourceType": kind, "Tags": [{"Key": "of", "Value": kind}]}


async def test_volumes_are_as_asked_for(cloud: Cloud, site: Site) -> None:
    """The root volume comes along though the form does not name it; one outlives its instance."""
    extra = volume(Iops=4000, Throughput=250, Encrypted=True, DeleteOnTermination=False)
    kinds = ("volume", "network-interface")
    (instance,) = await launch(
        site, BlockDeviceMappings=[extra], TagSpecifications=[tagged(kind) for kind in kinds]
    )
    found = (await site.ec2.describe_volumes())["Volumes"]
    by_device = {one["Attachments"][0]["Device"]: one for one in found}
    assert set(by_device) == {ROOT, "/dev/sdf"}
    kept = by_device["/dev/sdf"]
    assert (kept["VolumeType"], kept["Iops"], kept["Throughput"]) == ("gp3", 4000, 250)
    assert all(one["Tags"] == tagged("volume")["Tags"] for one in found)
    (interface,) = (await described(site, instance))["NetworkInterfaces"]
    told = await site.ec2.describe_network_interfaces(
        NetworkInterfaceIds=[interface["NetworkInterfaceId"]]
    )
    assert told["NetworkInterfaces"][0]["TagSet"] == tagged("network-interface")["Tags"]

    deleted = site.ec2.delete_volume(VolumeId=kept["VolumeId"])
    assert await outcome(deleted) == "VolumeInUse"
    await site.ec2.terminate_instances(InstanceIds=[instance])
    assert (await cloud.inventory()).ids["volume"] == [kept["VolumeId"]]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ([volume(VolumeType="gp9")], "InvalidParameterValue"),
        ([volume(VolumeType="io2")], "MissingParameter"),
        ([volume(VolumeType="gp2", Iops=3000)], "InvalidParameterCombination"),
        ([volume(VolumeType="io1", Iops=100, Throughput=200)], "InvalidParameterCombination"),
        ([volume(), volume()], "InvalidBlockDeviceMapping"),
        ([volume(SnapshotId="snap-0123456789abcdef0")], "InvalidSnapshot.NotFound"),
    ],
)
async def test_a_volume_that_cannot_be_is_refused(
    cloud: Cloud, site: Site, asked: list[dict[str, Any]], code: str
) -> None:
    """And nothing is launched."""
    assert await outcome(launch(site, BlockDeviceMappings=asked)) == code
    assert not {"instance", "volume"} & set((await cloud.inventory()).ids)


async def test_options_are_kept_and_shown(cloud: Cloud, site: Site) -> None:
    """As DescribeInstances and DescribeInstanceCreditSpecifications tell them."""
    await cloud.provide("placement_group", "near")
    metadata = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    (instance,) = await launch(
        site,
        Monitoring={"Enabled": True},
        CreditSpecification={"CpuCredits": "standard"},
        Placement={"GroupName": "near", "Tenancy": "dedicated"},
        PrivateDnsNameOptions={"HostnameType": "resource-name"},
        MetadataOptions=metadata,
        PrivateIpAddress="10.0.0.77",
    )
    told = await described(site, instance)
    assert told["Monitoring"]["State"] == "enabled"
    assert (told["Placement"]["GroupName"], told["Placement"]["Tenancy"]) == ("near", "dedicated")
    assert told["PrivateDnsNameOptions"]["HostnameType"] == "resource-name"
    assert told["PrivateDnsName"].startswith(f"{instance}.eu-west-1")
    assert metadata.items() <= told["MetadataOptions"].items()
    assert told["PrivateIpAddress"] == "10.0.0.77"
    credit = await site.ec2.describe_instance_credit_specifications(InstanceIds=[instance])
    assert credit["InstanceCreditSpecifications"][0]["CpuCredits"] == "standard"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"Placement": {"GroupName": "unknown"}}, "InvalidPlacementGroup.Unknown"),
        (
            {"InstanceType": "m5.large", "CreditSpecification": {"CpuCredits": "standard"}},
            "InvalidParameterCombination",
        ),
        ({"IamInstanceProfile": {"Name": "unknown"}}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "10.9.9.9"}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "10.0.0.3"}, "InvalidParameterValue"),
    ],
)
async def test_an_option_that_cannot_be_is_refused(
    cloud: Cloud, site: Site, asked: dict[str, Any], code: str
) -> None:
    """And nothing is launched."""
    assert await outcome(launch(site, **asked)) == code
    assert "instance" not in (await cloud.inventory()).ids


async def test_an_instance_profile_is_unknown_for_a_while(cloud: Cloud, site: Site) -> None:
    """After it was made; all instances of a launch have it then."""
    await cloud.provide("instance_profile", "web")
    cloud.behave(Behaviour(durations=Durations(instance_profile_unknown=NEVER)))
    asked = {"IamInstanceProfile": {"Name": "web"}}
    assert await outcome(launch(site, **asked)) == "InvalidParameterValue"
    cloud.behave(Behaviour())
    for instance in await launch(site, count=2, **asked):
        told = await described(site, instance)
        assert told["IamInstanceProfile"]["Arn"].endswith("instance-profile/web")


async def test_a_private_address_is_one_interfaces(site: Site) -> None:
    """Until its instance is gone; a NAT gateway has one of the subnet too."""
    taken = {"PrivateIpAddress": "10.0.0.4"}
    first = await launch(site, **taken)
    assert await outcome(launch(site, **taken)) == "InvalidIPAddress.InUse"
    gateway, _ = await site.make_nat_gateway()
    told = await site.ec2.describe_nat_gateways(NatGatewayIds=[gateway])
    assert told["NatGateways"][0]["NatGatewayAddresses"][0]["PrivateIp"] == "10.0.0.5"
    await site.ec2.terminate_instances(InstanceIds=first)
    assert await outcome(launch(site, **taken)) == "done"


async def test_the_addresses_of_a_subnet_run_out(cloud: Cloud, site: Site) -> None:
    """AWS keeps five of them; of a launch all fit, or none is made."""
    made = await site.ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.0.1.0/28")
    small = made["Subnet"]["SubnetId"]
    code = "InsufficientFreeAddressesInSubnet"
    assert await outcome(launch(site, count=12, SubnetId=small)) == code
    assert "instance" not in (await cloud.inventory()).ids
    assert await outcome(launch(site, count=11, SubnetId=small)) == "done"
    assert await outcome(launch(site, SubnetId=small)) == code


async def test_a_spot_instance_has_its_price_and_its_quota(cloud: Cloud, site: Site) -> None:
    """Of its own; it cannot be stopped."""
    quotas = Quotas(vcpus=2, spot_vcpus=2, volume_gib=100)
    cloud.behave(Behaviour(spot_price=0.02, quotas=quotas))

    def at(price: str) -> dict[str, Any]:
        return {"InstanceMarketOptions": SPOT | {"SpotOptions": {"MaxPrice": price}}}

    assert await outcome(launch(site, **at("0.01"))) == "SpotMaxPriceTooLow"
    (instance,) = await launch(site, **at("0.02"))
    told = await described(site, instance)
    assert told["InstanceLifecycle"] == "spot"
    assert told["SpotInstanceRequestId"].startswith("sir-")
    more = launch(site, InstanceMarketOptions=SPOT)
    assert await outcome(more) == "MaxSpotInstanceCountExceeded"
    stopped = site.ec2.stop_instances(InstanceIds=[instance])
    assert await outcome(stopped) == "UnsupportedOperation"
    assert await outcome(launch(site)) == "done"
    assert await outcome(launch(site)) == "VcpuLimitExceeded"


async def test_volumes_have_a_quota(cloud: Cloud, site: Site) -> None:
    """In GiB, of all volumes of a launch."""
    cloud.behave(Behaviour(quotas=Quotas(volume_gib=30)))
    asked = {"BlockDeviceMappings": [volume()]}
    assert await outcome(launch(site, count=4, **asked)) == "VolumeLimitExceeded"
    assert await outcome(launch(site, **asked)) == "done"
