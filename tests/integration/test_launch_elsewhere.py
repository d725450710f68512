"""Where AWS has no capacity for a launch, it is tried elsewhere; the record says where, and why."""

from typing import Any

from envwright.failure import FailureCategory
from envwright.names import Step
from envwright.placement import Placement
from envwright.record import Record
from envwright.spec import load_spec
from envwright.states import State
from tests.cloud import Behaviour, Cloud, dropped, hiding, refused
from tests.harness import counts, existing, outsider
from tests.integration.conftest import Begin
from tests.integration.test_engine_instances import IN_ZONE_A, tokens
from tests.repository import ROOT
from tests.specs import with_instances
from worker.servers import LocalAws

IMAGE = "ami-760aaa0f"
NO_CAPACITY = "InsufficientInstanceCapacity"
A, B = "eu-west-1a", "eu-west-1b"


def two_types(**changes: Any) -> dict[str, Any]:
    """Two zones, two types, and an instance in each zone."""
    data = with_instances(IMAGE, **changes)
    data["instances"]["web"]["types"] = ["t3.micro", "t3.small"]
    return data


def one_instance(**changes: Any) -> dict[str, Any]:
    """The same with one instance, which comes to zone a first."""
    data = two_types(**changes)
    data["instances"]["web"]["count"] = 1
    return data


def lacking(*places: tuple[str, str]) -> Behaviour:
    return Behaviour(no_capacity=frozenset(places))


def placed(record: Record) -> set[tuple[str, str]]:
    assert record.outputs is not None
    return {(one.zone, one.type) for one in record.outputs.instances}


async def test_a_zone_without_capacity_is_made_up_for_by_the_next(
    begin: Begin, cloud: Cloud
) -> None:
    """The record and the history say what was chosen and why, and the outputs where it is."""
    cloud.behave(lacking((A, "t3.micro")))
    async with begin(two_types()) as env:
        record = await env.to_rest()
        told = [event for event in env.client.events(env.id) if event.type == "placement"]

    assert record.state is State.READY
    assert record.resources[IN_ZONE_A].placement == Placement(
        zone=B, type="t3.micro", instead_of=(f"t3.micro in {A} ({NO_CAPACITY})",)
    )
    assert placed(record) == {(B, "t3.micro")}
    ((resource, message),) = [(event.resource, event.message) for event in told]
    assert resource == IN_ZONE_A
    assert message == (
        f"It is launched as t3.micro in {B}, since AWS had no capacity for t3.micro in {A} "
        f"({NO_CAPACITY})."
    )


async def test_the_next_type_is_tried_after_the_last_zone(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Each try has a token of its own, and each launch falls back by itself."""
    cloud.behave(lacking((A, "t3.micro"), (B, "t3.micro"), (A, "t3.small")))
    async with begin(two_types()) as env:
        record = await env.to_rest()

    assert record.state is State.READY
    assert placed(record) == {(B, "t3.small")}
    assert (await counts(aws.url))["instance"] == 2
    assert len(tokens(cloud)) == len(set(tokens(cloud)))


async def test_when_nothing_is_left_the_failure_lists_what_was_tried(
    begin: Begin, cloud: Cloud
) -> None:
    """With what each answered; `retry` begins with the preferred one again."""
    cloud.behave(lacking(("*", "*")))
    async with begin(one_instance(on_failure="hold")) as env:
        held = await env.to_rest()
        failure = held.failure
        assert failure is not None
        assert (failure.category, failure.code) == (FailureCategory.CAPACITY, NO_CAPACITY)
        assert failure.resource == IN_ZONE_A
        assert failure.message == (
            f"AWS had no capacity for t3.micro in {A} ({NO_CAPACITY}), t3.micro in {B} "
            f"({NO_CAPACITY}), t3.small in {A} ({NO_CAPACITY}), t3.small in {B} "
            f"({NO_CAPACITY}). Name other types or zones, or retry later."
        )

        cloud.behave(Behaviour())
        env.client.retry(env.id)
        again = await env.to_rest()

    assert placed(again) == {(A, "t3.micro")}
    assert again.resources[IN_ZONE_A].placement is None


async def test_a_full_subnet_is_not_tried_with_another_type(begin: Begin, cloud: Cloud) -> None:
    """Its addresses are the same for all types."""
    cloud.inject("RunInstances", refused("InsufficientFreeAddressesInSubnet"), times=2)
    async with begin(one_instance()) as env:
        record = await env.to_rest()

    assert [call.parameters["InstanceType"] for call in cloud.calls("RunInstances")] == [
        "t3.micro",
        "t3.micro",
        "t3.small",
    ]
    assert placed(record) == {(A, "t3.small")}


async def test_a_quota_is_one_for_all_places(begin: Begin, cloud: Cloud) -> None:
    """Nothing else is tried: a person must have it raised."""
    cloud.inject("RunInstances", refused("MaxSpotInstanceCountExceeded"))
    async with begin(one_instance()) as env:
        record = await env.to_rest()

    assert len(cloud.calls("RunInstances")) == 1
    assert record.failure is not None
    assert record.failure.category is FailureCategory.QUOTA


async def test_a_worker_goes_on_where_the_dead_one_launched(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """The choice was on record before its launch was sent: a token counts in one zone alone."""
    cloud.behave(lacking((A, "t3.micro")))
    async with begin(one_instance()) as env:
        await env.run(Step.NETWORK, Step.SECURITY)
        await env.die_at(cloud, "RunInstances", after_effect=True, nth=2)
        cloud.behave(Behaviour())
        # What was launched shows late: only its token says that it is there.
        cloud.inject("DescribeTags", hiding("i-"))
        record = await env.to_rest()

    assert record.state is State.READY
    assert placed(record) == {(B, "t3.micro")}
    assert len(cloud.calls("RunInstances")) == 3
    assert cloud.done("RunInstances") == 1
    assert (await counts(aws.url))["instance"] == 1


async def test_an_unanswered_launch_is_settled_before_another_zone_is_tried(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """What was made after all is found under its tag, and nothing is launched beside it."""
    cloud.inject("RunInstances", dropped(after_effect=True))
    cloud.inject("RunInstances", refused(NO_CAPACITY, status=500), first=2)
    async with begin(one_instance()) as env:
        await env.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)
        assert (await counts(aws.url))["instance"] == 1
        record = await env.to_rest()

    assert record.state is State.READY
    assert placed(record) == {(A, "t3.micro")}
    assert cloud.done("RunInstances") == 1


async def test_the_example_of_spot_workers_comes_and_goes(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Up on the second type, as it is asked for kind by kind; done again without a change; gone."""
    cloud.behave(lacking(("*", "m7i.large")))
    async with begin(load_spec(ROOT / "examples" / "spot-workers.yaml")) as env:
        record = await env.to_rest()
        assert record.state is State.READY
        assert placed(record) == {(f"eu-west-1{letter}", "m6i.large") for letter in "abc"}
        async with outsider(aws.url) as ec2:
            instances = [
                one
                for reservation in (await ec2.describe_instances())["Reservations"]
                for one in reservation["Instances"]
            ]
            volumes = (await ec2.describe_volumes())["Volumes"]
        assert {one["InstanceLifecycle"] for one in instances} == {"spot"}
        assert sorted((one["Size"], one["Encrypted"]) for one in volumes) == [
            *[(30, True)] * 6,
            *[(100, True)] * 6,
        ]

        cloud.journal.clear()
        await env.rewind(Step.NETWORK)
        assert (await env.to_rest()).state is State.READY
        assert cloud.mutating == []

        assert (await env.take_down()).state is State.DESTROYED
    assert await existing(aws.url) == {}
