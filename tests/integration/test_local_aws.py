"""The fake AWS of the embedded stack is enough for whoever tries envwright on it."""

from collections.abc import Iterator
from typing import Any

import pytest

from envwright.plan import PlanQuestion, Verdict
from envwright.spec import EnvironmentSpec, load_spec, parse_spec
from envwright.states import State
from tasks.kinds import LISTINGS
from tasks.lease import Look
from tests.everything import EVERYTHING
from tests.harness import environment, outsider
from tests.integration.test_examples import ELSEWHERE, PATHS
from worker.plan import planned
from worker.servers import LocalAws

SPECS = {path.stem: load_spec(path) for path in PATHS if path.stem not in ELSEWHERE}
SPECS["everything"] = parse_spec(EVERYTHING)


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    server = LocalAws(tmp_path_factory.mktemp("local-aws"))
    server.start()
    yield server
    server.stop()


async def account(aws: LocalAws, region: str) -> dict[str, list[str]]:
    """The ids of all that it has in a region, by kind."""
    ec2: Any
    async with outsider(aws.url, region=region) as ec2:
        return {
            kind: sorted(listing.ids(await listing.of_account(ec2)))
            for kind, listing in LISTINGS.items()
        }


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
async def test_what_can_be_tried_on_it(
    spec: EnvironmentSpec, local_aws: LocalAws, redis_url: str, key_prefix: str
) -> None:
    """Each example, and a resource of every kind: a plan with all its questions changes nothing,
    says of each quota what there is to say, and what is built can be taken down to nothing."""
    before = await account(local_aws, spec.region)
    async with environment(spec, redis_url, key_prefix, local_aws) as env:
        plan = await planned(env.worker, Look(30), PlanQuestion(spec=spec, check=True))

        assert await account(local_aws, spec.region) == before
        assert Verdict.ALLOWED in {one.verdict for one in plan.permissions}
        unknown = {one.unknown for one in plan.quotas if one.limit is None}
        assert all(told and "does not know this quota" in told for told in unknown), unknown

        built = await env.to_rest()
        assert built.state is State.READY, built.failure

        gone = await env.take_down()
    assert gone.state is State.DESTROYED, gone.cleanup_failure
    assert await account(local_aws, spec.region) == before


async def test_dhcp_options_outlive_their_network(local_aws: LocalAws) -> None:
    """They are there to be deleted: a cleanup would look for them until its patience ends."""
    ec2: Any
    async with outsider(local_aws.url) as ec2:
        vpc = (await ec2.create_vpc(CidrBlock="10.9.0.0/16"))["Vpc"]["VpcId"]
        domain = [{"Key": "domain-name", "Values": ["corp.example.com"]}]
        made = await ec2.create_dhcp_options(DhcpConfigurations=domain)
        options = made["DhcpOptions"]["DhcpOptionsId"]
        await ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=vpc)

        await ec2.delete_vpc(VpcId=vpc)

        await ec2.delete_dhcp_options(DhcpOptionsId=options)
