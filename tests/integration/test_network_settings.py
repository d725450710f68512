"""DHCP options and flow logs: what AWS must be asked for to have them, and to be rid of them."""

from collections import Counter

from envwright.failure import FailureCategory
from envwright.states import State
from tests.cloud import Cloud
from tests.everything import FLOW_LOG_ROLE
from tests.harness import existing
from tests.integration.conftest import Begin
from tests.specs import spec_data
from worker.servers import LocalAws

DHCP = {"domain_name": "corp.example.com"}
TO_GROUPS = [{"log_group": name, "role_arn": FLOW_LOG_ROLE} for name in ("one", "two")]


def spec_with(**network):
    data = spec_data()
    return data | {"network": data["network"] | network}


async def test_what_goes_with_the_vpc_is_not_taken_from_it(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """The VPC takes its association along, so its options are deleted after it; flow logs outlive
    it, so they go before, by one call for all."""
    async with begin(spec_with(dhcp=DHCP, flow_logs=TO_GROUPS)) as env:
        assert (await env.to_rest()).state is State.READY
        cloud.journal.clear()
        assert (await env.take_down()).state is State.DESTROYED

    done = Counter(cloud.mutating)
    assert "AssociateDhcpOptions" not in done
    assert done["DeleteDhcpOptions"] == done["DeleteFlowLogs"] == 1, cloud.counted()
    order = [cloud.mutating.index(f"Delete{one}") for one in ("FlowLogs", "Vpc", "DhcpOptions")]
    assert order == sorted(order)
    assert await existing(aws.url) == {}


async def test_a_bucket_that_is_not_there_is_told_of(begin: Begin, aws: LocalAws) -> None:
    """AWS says so in an answer that counts as successful."""
    bucket = {"bucket": "arn:aws:s3:::no-such-bucket"}
    async with begin(spec_with(flow_logs=[bucket])) as env:
        record = await env.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert record.failure.category is FailureCategory.SPEC
    assert "no-such-bucket does not exist" in record.failure.message
    assert await existing(aws.url) == {}
