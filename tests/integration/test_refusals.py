"""What a run says, and does not do, where something is not as it must be."""

from copy import deepcopy

import pytest

from envwright.failure import FailureCategory
from envwright.names import Step
from envwright.states import State
from tasks.aws.errors import Trouble
from tests.cloud import ALWAYS, Cloud, refused, throttled
from tests.everything import ALL_OF_EVERYTHING, EVERYTHING
from tests.harness import counts, existing, outsider
from tests.integration.conftest import Begin
from worker.servers import LocalAws

HELD = EVERYTHING | {"on_failure": "hold"}


async def test_an_environment_is_left_alone_in_another_account(
    begin: Begin, cloud: Cloud, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There nothing of it is shown, and `destroyed` would be a lie."""
    async with begin(EVERYTHING) as env:
        await env.to_rest()

        async def another_account(*_: object) -> str:
            return "999999999999"

        monkeypatch.setattr(env.worker.clients, "own_account", another_account)
        record = await env.take_down()

    assert record.state is State.CLEANUP_FAILED
    assert record.cleanup_failure is not None
    assert record.cleanup_failure.category is FailureCategory.PERMISSION
    assert "credentials are of account 999999999999" in record.cleanup_failure.message
    assert await counts(aws.url) == ALL_OF_EVERYTHING


async def test_a_retry_makes_anew_what_ready_found_missing(begin: Begin, aws: LocalAws) -> None:
    """A held environment, an instance of which died, goes on at the step that can mend it."""
    async with begin(HELD) as env:
        await env.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)
        async with outsider(aws.url) as ec2:
            await ec2.terminate_instances(InstanceIds=(await existing(aws.url))["instance"][:1])
        assert (await env.to_rest()).state is State.FAILED

        env.client.retry(env.id)
        assert (await env.to_rest()).state is State.READY

    assert await counts(aws.url) == ALL_OF_EVERYTHING


async def test_a_cleanup_names_the_group_that_is_in_use(begin: Begin, cloud: Cloud) -> None:
    """And only that one is said to be left."""
    async with begin(EVERYTHING, conflict_timeout=0.5) as env:
        record = await env.to_rest()
        blocked = record.resources["security/security_group/admin"].ids[0]
        cloud.inject(
            "DeleteSecurityGroup",
            refused("DependencyViolation"),
            times=ALWAYS,
            where=lambda call: call.parameters["GroupId"] == blocked,
        )
        failure = (await env.take_down()).cleanup_failure

    assert failure is not None
    assert failure.category is FailureCategory.BLOCKED
    assert failure.resource == "security/security_group/admin"
    assert "security/security_group/web" not in failure.message


async def test_a_route_of_another_is_not_taken_for_ours(begin: Begin, cloud: Cloud) -> None:
    """`RouteAlreadyExists` is believed only where the route is the one that was wanted."""
    cloud.inject(
        "CreateRoute",
        refused("RouteAlreadyExists"),
        where=lambda call: "DestinationCidrBlock" in call.parameters,
    )

    async with begin(EVERYTHING) as env:
        record = await env.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert record.failure.resource == "network/main_route/out"


async def test_what_carries_only_one_of_our_tags_is_not_touched(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """It may be another record's, whose second tag is not shown yet; nonsense is passed over."""
    async with begin(EVERYTHING) as env:
        async with outsider(aws.url) as ec2:
            vpc_id = (await ec2.create_vpc(CidrBlock="10.9.0.0/16"))["Vpc"]["VpcId"]
            tag = {"Key": "envwright:resource", "Value": f"{env.id}/network/vpc/main"}
            await ec2.create_tags(Resources=[vpc_id], Tags=[tag])
            gateway = (await ec2.create_internet_gateway())["InternetGateway"]
            await ec2.create_tags(
                Resources=[gateway["InternetGatewayId"]],
                Tags=[tag | {"Value": f"{env.id}/nonsense"}],
            )
        assert (await env.to_rest()).state is State.READY
        assert (await env.take_down()).state is State.DESTROYED

    assert (await existing(aws.url))["vpc"] == [vpc_id]


@pytest.mark.parametrize("code", ["InvalidPrefixListID.NotFound", "InvalidInstanceType.NotFound"])
async def test_an_unknown_name_of_the_callers_fails_at_once(
    begin: Begin, cloud: Cloud, code: str
) -> None:
    """Only ids that we made may be unknown for a while."""
    cloud.inject("AuthorizeSecurityGroupIngress", refused(code), times=ALWAYS)

    async with begin(EVERYTHING) as env:
        record = await env.to_rest()

    assert record.failure is not None
    assert record.failure.category is FailureCategory.SPEC
    # Two groups have rules, and are given them side by side.
    assert len(cloud.calls("AuthorizeSecurityGroupIngress")) <= 2


async def test_a_region_that_does_not_exist_is_said_to_be_so(begin: Begin) -> None:
    """At once, and not when the deadline has passed; and there was nothing to take down."""
    async with begin(EVERYTHING | {"region": "mars-north-1", "network": _network()}) as env:
        record = await env.to_rest()

    assert record.failure is not None
    assert record.failure.category is FailureCategory.SPEC
    assert "there is no region mars-north-1" in record.failure.message


async def test_why_a_step_does_not_get_on_stands_in_its_lease(begin: Begin, cloud: Cloud) -> None:
    """A call that is refused again and again is told to whoever asks, and forgotten after it."""
    cloud.inject("CreateVpc", throttled(), times=3)
    told: list[Trouble | None] = []

    async with begin(EVERYTHING) as env, env.context() as context:
        pause = context.lease.pause

        async def noting(seconds: float) -> None:
            told.append(context.lease.trouble)
            await pause(0)

        context.lease.pause = noting  # type: ignore[method-assign]
        await context.ec2.create_vpc(CidrBlock="10.0.0.0/16")

    assert len(told) == 3
    assert all("RequestLimitExceeded" in str(one) for one in told)
    assert context.lease.trouble is None


def _network() -> dict[str, object]:
    return deepcopy(EVERYTHING["network"]) | {"zones": 2}
