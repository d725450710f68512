"""An environment in what is not there, or cannot be used, is refused."""

import json
from typing import Any

import pytest

from envwright.failure import FailureCategory
from envwright.states import State
from tests.cloud import Cloud
from tests.estate import Estate, mark, spec_in, with_new_subnets
from tests.everything import ZONES
from tests.integration.conftest import Begin


async def elsewhere(estate: Estate) -> dict[str, str]:
    """What another VPC has, as somebody may name it by mistake."""
    made = await estate.ec2.create_vpc(CidrBlock="10.92.0.0/16")
    vpc = made["Vpc"]["VpcId"]
    made = await estate.ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.92.0.0/24", AvailabilityZone=ZONES[0]
    )
    group = await estate.ec2.create_security_group(
        VpcId=vpc, GroupName="far", Description="of another VPC"
    )
    return {"vpc": vpc, "subnet": made["Subnet"]["SubnetId"], "group": group["GroupId"]}


WRONG: list[tuple[str, Any, str]] = [
    ("network.existing_vpc", {"id": "vpc-00000001"}, "network.existing_vpc: eu-west-1 has no VPC"),
    ("network.existing_vpc", {"tags": {"Name": "x"}}, "no VPC with the tags Name=x."),
    ("network.tiers.0.existing", {"ids": ["{subnet}"]}, "The tier front: {theirs} has no subnet"),
    ("network.tiers.1.existing", {"tags": {"Tier": "x"}}, "The tier back has no subnet in eu-west"),
    ("network.tiers.1.existing", {"ids": ["{back}"]}, "The tier back has no subnet in eu-west-1b"),
    ("network.zones", 3, "all have subnets in 2 zones (eu-west-1a, eu-west-1b) alone"),
    ("network.zones", ["eu-west-1c"], "The tier front has no subnet in eu-west-1c"),
    ("network.tiers.0.existing", {"tags": {"Name": "same"}}, "has 2 subnets in eu-west-1a"),
    ("security.existing_groups.watch", {"id": "{group}"}, "{theirs} has no security group {group}"),
    ("security.existing_groups.watch", {"tags": {"Kind": "both"}}, "has 2 security groups with"),
    ("security.key_pair", {"name": "lost"}, "security.key_pair: eu-west-1 has no key pair lost."),
    ("security.key_pair", {"tags": {"Name": "x"}}, "no key pair with the tags Name=x."),
]


async def test_what_is_not_there_or_not_the_only_one_is_told_before_anything_is_made(
    begin: Begin, cloud: Cloud, estate: Estate
) -> None:
    """By its place in the spec, and with what to do; what is of another VPC is not there."""
    far = await elsewhere(estate)
    for number in range(2):
        await estate.make_subnet("same", ZONES[0], f"10.90.{100 + number}.0/24")
    for group in estate.groups.values():
        await mark(estate.ec2, group, {"Kind": "both"})
    names = far | {"theirs": estate.vpc, "back": estate.subnets["back"][0]}

    for number, (place, value, words) in enumerate(WRONG):
        spec: Any = spec_in(estate, name=f"guest-{number}")
        *outer, last = place.split(".")
        target = spec
        for key in outer:
            target = target[int(key) if key.isdecimal() else key]
        target[last] = json.loads(filled(json.dumps(value), names))
        async with begin(spec) as env:
            record = await env.to_rest()

        assert record.state is State.CLEANED
        assert record.failure is not None
        assert record.failure.category is FailureCategory.SPEC
        assert filled(words, names) in record.failure.message
    assert cloud.mutating == []


def filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


async def test_another_account_is_noticed(
    begin: Begin, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with its credentials would see nothing of the environment, and call that gone."""

    async def another_account(*_: object) -> str:
        return "999999999999"

    async with begin(spec_in(estate)) as env:
        assert (await env.to_rest()).state is State.READY
        monkeypatch.setattr(env.worker.clients, "own_account", another_account)

        record = await env.take_down()

    assert record.state is State.CLEANUP_FAILED
    assert record.cleanup_failure is not None
    assert record.cleanup_failure.category is FailureCategory.PERMISSION


async def test_a_public_tier_needs_the_internet_gateway_of_its_vpc(
    begin: Begin, cloud: Cloud, estate: Estate
) -> None:
    """None is attached to a VPC of another's."""
    far = await elsewhere(estate)
    spec = with_new_subnets(spec_in(estate))
    spec["network"] |= {"existing_vpc": {"id": far["vpc"]}, "tiers": spec["network"]["tiers"][2:]}
    spec["instances"] = {}
    async with begin(spec) as env:
        record = await env.to_rest()

    assert record.failure is not None
    assert record.failure.message.startswith(
        f"network.tiers: The tier open is public, and {far['vpc']} has no internet gateway"
    )
    assert cloud.mutating == []
