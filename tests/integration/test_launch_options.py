"""What a group's options come to in AWS, as an outsider sees it there."""

from base64 import b64decode
from typing import Any

from envwright.states import State
from tests.cloud import Call, Cloud, Reply, dropped, refused
from tests.harness import outsider
from tests.integration.conftest import Begin
from tests.specs import with_instances
from worker.servers import LocalAws

IMAGE = "ami-760aaa0f"
SCRIPT = "#!/bin/sh\necho 'Grüße' > /etc/motd\n"


def one_with(**options: Any) -> dict[str, Any]:
    """An environment with one instance that has these options."""
    data = with_instances(IMAGE)
    data["instances"]["web"] |= {"count": 1, **options}
    return data


async def the_instance(ec2: Any) -> dict[str, Any]:
    (reservation,) = (await ec2.describe_instances())["Reservations"]
    (instance,) = reservation["Instances"]
    return dict(instance)


def the_launch(cloud: Cloud) -> dict[str, str]:
    (call,) = cloud.calls("RunInstances")
    return dict(call.parameters)


async def test_an_instance_gets_the_very_user_data_of_the_spec(begin: Begin, aws: LocalAws) -> None:
    """Encoded once: what the instance decodes is the text that was asked for."""
    async with begin(one_with(user_data=SCRIPT)) as env:
        assert (await env.to_rest()).state is State.READY
    async with outsider(aws.url) as ec2:
        one = await the_instance(ec2)
        told = await ec2.describe_instance_attribute(
            InstanceId=one["InstanceId"], Attribute="userData"
        )

    assert b64decode(told["UserData"]["Value"]).decode() == SCRIPT


async def test_what_is_not_asked_for_is_not_sent(begin: Begin, cloud: Cloud) -> None:
    """AWS's own defaults hold, but for those that are less safe than they could be."""
    async with begin(one_with()) as env:
        await env.to_rest()

    sent = {name.partition(".")[0] for name in the_launch(cloud)}
    assert sent - {"Version"} == {
        "ClientToken",
        "MinCount",
        "MaxCount",
        "ImageId",
        "InstanceType",
        "NetworkInterface",
        "BlockDeviceMapping",
        "MetadataOptions",
        "TagSpecification",
    }


async def test_options_come_to_what_they_say(begin: Begin, cloud: Cloud, aws: LocalAws) -> None:
    """All of them in the one call that launches."""
    asked = one_with(
        credit_mode="unlimited",
        detailed_monitoring=True,
        ebs_optimized=True,
        shutdown_behavior="terminate",
        private_address="10.20.0.10",
        tenancy="dedicated",
        metadata={"hop_limit": 2, "tags": True, "ipv6": True},
        hostname={"type": "resource-name", "a_record": True},
        tags={"role": "web"},
    )
    async with begin(asked) as env:
        assert (await env.to_rest()).state is State.READY
    async with outsider(aws.url) as ec2:
        one = await the_instance(ec2)
        interfaces = (await ec2.describe_network_interfaces())["NetworkInterfaces"]

    assert one["Monitoring"]["State"] == "enabled"
    assert one["EbsOptimized"]
    assert one["PrivateIpAddress"] == "10.20.0.10"
    assert one["Placement"]["Tenancy"] == "dedicated"
    assert {
        name: one["MetadataOptions"][name]
        for name in (
            "HttpTokens",
            "HttpPutResponseHopLimit",
            "InstanceMetadataTags",
            "HttpProtocolIpv6",
        )
    } == {
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "InstanceMetadataTags": "enabled",
        "HttpProtocolIpv6": "enabled",
    }
    sent = the_launch(cloud)
    assert sent["CreditSpecification.CpuCredits"] == "unlimited"
    assert sent["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert sent["PrivateDnsNameOptions.HostnameType"] == "resource-name"
    assert sent["PrivateDnsNameOptions.EnableResourceNameDnsARecord"] == "true"
    assert len(cloud.calls("ModifyInstanceAttribute")) == 0
    for interface in interfaces:
        tags = {tag["Key"]: tag["Value"] for tag in interface["TagSet"]}
        assert (tags["envwright:environment"], tags["role"]) == (env.id, "web")


async def test_spot_instances_are_launched_once_at_up_to_the_price(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """One-time requests, whose instances are terminated when AWS takes them back."""
    async with begin(one_with(spot={"max_price": "0.05"})) as env:
        assert (await env.to_rest()).state is State.READY
    async with outsider(aws.url) as ec2:
        assert (await the_instance(ec2))["InstanceLifecycle"] == "spot"

    options = "InstanceMarketOptions.SpotOptions."
    sent = the_launch(cloud)
    assert sent[f"{options}MaxPrice"] == "0.05"
    assert sent[f"{options}SpotInstanceType"] == "one-time"
    assert sent[f"{options}InstanceInterruptionBehavior"] == "terminate"


async def test_further_volumes_are_as_the_spec_says(begin: Begin, aws: LocalAws) -> None:
    """Each with its type, size and IOPS; encrypted, and gone with the instance by default."""
    volumes = [
        {"device_name": "/dev/sdf", "size": 20, "iops": 4000, "throughput": 250},
        {"device_name": "/dev/sdg", "size": 125, "type": "st1", "encrypted": False},
    ]
    async with begin(one_with(volumes=volumes)) as env:
        assert (await env.to_rest()).state is State.READY
        async with outsider(aws.url) as ec2:
            one = await the_instance(ec2)
            found = {
                volume["Attachments"][0]["Device"]: volume
                for volume in (await ec2.describe_volumes())["Volumes"]
            }

        assert {
            device: (one["VolumeType"], one["Size"], one["Encrypted"])
            for device, one in found.items()
        } == {
            "/dev/xvda": ("gp3", 15, True),
            "/dev/sdf": ("gp3", 20, True),
            "/dev/sdg": ("st1", 125, False),
        }
        assert (found["/dev/sdf"]["Iops"], found["/dev/sdf"]["Throughput"]) == (4000, 250)
        assert all(mapping["Ebs"]["DeleteOnTermination"] for mapping in one["BlockDeviceMappings"])
        assert (await env.take_down()).state is State.DESTROYED
    async with outsider(aws.url) as ec2:
        assert (await ec2.describe_volumes())["Volumes"] == []


async def test_volumes_that_the_image_brings_along_are_made_safe(
    begin: Begin, cloud: Cloud
) -> None:
    """As the image has them, they may be without encryption, and outlive the instance."""

    async def with_another_volume(call: Call, forward: Any) -> Reply:
        reply: Reply = await forward()
        mapping = (
            "<item><deviceName>/dev/sdb</deviceName><ebs><volumeSize>4</volumeSize></ebs></item>"
        )
        body = reply.body.replace("</blockDeviceMapping>", f"{mapping}</blockDeviceMapping>")
        return Reply(reply.status, body, reply.content_type)

    cloud.inject("DescribeImages", with_another_volume)
    async with begin(one_with()) as env:
        assert (await env.to_rest()).state is State.READY

    sent = the_launch(cloud)
    assert sent["BlockDeviceMapping.2.DeviceName"] == "/dev/sdb"
    assert sent["BlockDeviceMapping.2.Ebs.Encrypted"] == "true"
    assert sent["BlockDeviceMapping.2.Ebs.DeleteOnTermination"] == "true"


async def test_a_profile_that_is_not_known_yet_is_waited_for(begin: Begin, cloud: Cloud) -> None:
    """IAM's news take seconds to reach EC2, which refuses the launch until then."""
    told = "Value (fresh) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance "
    cloud.inject("RunInstances", refused("InvalidParameterValue", f"{told}Profile name"), times=2)
    async with begin(one_with()) as env:
        record = await env.to_rest()

    assert record.state is State.READY
    assert len(cloud.calls("RunInstances")) == 3
    assert len({call.parameters["ClientToken"] for call in cloud.calls("RunInstances")}) == 1


async def test_a_profile_that_never_comes_fails_the_launch(begin: Begin, cloud: Cloud) -> None:
    """After the consistency timeout, with AWS's own words."""
    told = "Invalid IAM Instance Profile name"
    cloud.inject("RunInstances", refused("InvalidParameterValue", told), times=10_000)
    async with begin(one_with(instance_profile="absent"), consistency_timeout=0.3) as env:
        record = await env.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert told in record.failure.message


async def test_a_profile_that_the_launch_dropped_is_given_afterwards(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """A new profile can be left out without a word: who looks finds that it is missing. Asked again
    after a lost reply, AWS says that the instance has one already."""

    async def launched_without_it(call: Call, forward: Any) -> Reply:
        call.parameters.pop("IamInstanceProfile.Name")
        reply: Reply = await forward()
        return reply

    async with outsider(aws.url, service="iam") as iam:
        await iam.create_instance_profile(InstanceProfileName="web")
    cloud.inject("RunInstances", launched_without_it)
    cloud.inject("AssociateIamInstanceProfile", dropped(after_effect=True))
    async with begin(one_with(instance_profile="web")) as env:
        assert (await env.to_rest()).state is State.READY
    async with outsider(aws.url) as ec2:
        one = await the_instance(ec2)

    assert one["IamInstanceProfile"]["Arn"].endswith("/web")


async def test_a_private_address_says_the_zone(begin: Begin) -> None:
    """The instance stands in the subnet that has the address, whichever zone is that of it."""
    async with begin(one_with(private_address="10.20.64.10")) as env:
        record = await env.to_rest()

    assert record.outputs is not None
    ((zone, address),) = {(one.zone, one.private_ip) for one in record.outputs.instances}
    assert (zone, address) == ("eu-west-1b", "10.20.64.10")
