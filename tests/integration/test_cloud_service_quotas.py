"""The strict cloud's Service Quotas tell the quotas that it goes by."""

from typing import Any

from tests.cloud import AWS_QUOTAS, Behaviour, Cloud, Quotas
from tests.harness import outsider
from tests.site import outcome

VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
SERVICE = "service-quotas"


async def value(call: Any) -> float:
    return float((await call)["Quota"]["Value"])


async def test_a_quota_is_the_accounts_or_its_default(cloud: Cloud) -> None:
    """One that the account does not have is known by its default alone."""
    cloud.behave(Behaviour(quotas=Quotas(vpcs=2)))
    async with outsider(cloud.url, service=SERVICE) as quotas:
        assert await value(quotas.get_service_quota(**VPCS)) == 2
        assert await value(quotas.get_aws_default_service_quota(**VPCS)) == AWS_QUOTAS.vpcs
        (only,) = (await quotas.list_service_quotas(ServiceCode="vpc"))["Quotas"]
        assert (only["QuotaName"], only["Value"]) == ("VPCs per Region", 2)
        assert (await quotas.list_service_quotas(ServiceCode="ec2"))["Quotas"] == []
        addresses = {"ServiceCode": "ec2", "QuotaCode": "L-0263D0A3"}
        told = await outcome(quotas.get_service_quota(**addresses))
        assert told == "NoSuchResourceException"
        assert await value(quotas.get_aws_default_service_quota(**addresses)) == 5

    assert not any(call.mutates for call in cloud.journal)


async def test_quotas_can_be_kept_from_the_caller(cloud: Cloud) -> None:
    """In the words of Service Quotas, which are not EC2's; throttling likewise."""
    cloud.behave(Behaviour(quotas=AWS_QUOTAS, denied=frozenset({"GetServiceQuota"})))
    async with outsider(cloud.url, service=SERVICE) as quotas:
        denied = await outcome(quotas.get_service_quota(**VPCS))
        assert denied == "AccessDeniedException"
        assert len((await quotas.list_service_quotas(ServiceCode="vpc"))["Quotas"]) == 11
