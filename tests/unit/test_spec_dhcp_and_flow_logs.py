"""What a spec may ask of DHCP and of flow logs, and what is said of the rest."""

from typing import Any

import pytest

from envwright.spec import parse_spec
from tests.spec_data import faults_of, with_value

BUCKET = "arn:aws:s3:::my-logs"
ROLE = "arn:aws:iam::123456789012:role/flow-logs"
TO_GROUP = {"log_group": "/vpc/web", "role_arn": ROLE}
ONE_PLACE = "A flow log goes to one place: give it `bucket` or `log_group`, and not both."

DHCP_FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "amazons and others": (
        {"domain_name_servers": ["10.20.0.53", "AmazonProvidedDNS"]},
        "domain_name_servers[1]",
        "AWS takes `AmazonProvidedDNS` alone, or addresses: choose one of the two.",
    ),
    "no address": (
        {"domain_name_servers": ["dns.example.com"]},
        "domain_name_servers[0]",
        "`dns.example.com` is not an IP address, such as 10.20.0.53.",
    ),
    "five servers": (
        {"domain_name_servers": [f"10.20.0.{number}" for number in range(5)]},
        "domain_name_servers",
        "This list takes 4 entries at the most.",
    ),
    "twice": (
        {"ntp_servers": ["10.20.0.5", "10.20.0.5"]},
        "ntp_servers[1]",
        "`10.20.0.5` is in this list already: name it once.",
    ),
    "five of a version": (
        {"ntp_servers": [f"10.20.0.{number}" for number in range(5)]},
        "ntp_servers[4]",
        "AWS takes 4 IPv4 addresses here at the most.",
    ),
    "IPv6 where it is not taken": (
        {"netbios_name_servers": ["fd00::1"]},
        "netbios_name_servers[0]",
        "`fd00::1` is an IPv6 address, and an IPv4 one is needed here.",
    ),
    "node type": ({"netbios_node_type": 3}, "netbios_node_type", "This must be 1, 2, 4 or 8."),
    "domain": (
        {"domain_name": "a.com b.com"},
        "domain_name",
        "`a.com b.com` is not a domain name, such as corp.example.com.",
    ),
}

LOG_FAULTS: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "nowhere": ([{"traffic": "all"}], "[0]", ONE_PLACE),
    "two places": ([{"bucket": BUCKET, **TO_GROUP}], "[0]", ONE_PLACE),
    "group without a role": (
        [{"log_group": "/vpc/web"}],
        "[0].role_arn",
        "AWS writes to a log group with a role of yours: name it here.",
    ),
    "bucket with a role": (
        [{"bucket": BUCKET, "role_arn": ROLE}],
        "[0].role_arn",
        "AWS writes to a bucket without a role of yours: leave it out.",
    ),
    "one place twice": (
        [TO_GROUP, {**TO_GROUP, "traffic": "reject"}],
        "[1]",
        "A flow log of this list goes there already, and AWS refuses a second one: leave one out.",
    ),
    "interval": (
        [{"bucket": BUCKET, "aggregation_interval": 61}],
        "[0].aggregation_interval",
        "This must be 60 or 600.",
    ),
}


@pytest.mark.parametrize(("dhcp", "place", "sentence"), DHCP_FAULTS.values(), ids=DHCP_FAULTS)
def test_dhcp_that_aws_would_refuse_is_refused(
    dhcp: dict[str, Any], place: str, sentence: str
) -> None:
    """With its place and the limit."""
    assert faults_of(with_value("network.dhcp", dhcp)) == [(f"network.dhcp.{place}", sentence)]


@pytest.mark.parametrize(("logs", "place", "sentence"), LOG_FAULTS.values(), ids=LOG_FAULTS)
def test_flow_logs_that_aws_would_refuse_are_refused(
    logs: list[dict[str, Any]], place: str, sentence: str
) -> None:
    """With its place and what to change."""
    assert faults_of(with_value("network.flow_logs", logs)) == [
        (f"network.flow_logs{place}", sentence)
    ]


@pytest.mark.parametrize(
    "bucket",
    [
        "my-logs",
        "arn:aws:s3:::my-logs/AWSLogs",
        "arn:aws:s3:::my-logs/AWSLogs/web",
        "arn:aws:s3:::M",
    ],
)
def test_a_bucket_is_named_by_its_arn(bucket: str) -> None:
    """And without the folder that AWS keeps for itself."""
    ((place, sentence),) = faults_of(with_value("network.flow_logs", [{"bucket": bucket}]))

    assert place == "network.flow_logs[0].bucket"
    assert "is not the ARN of an S3 bucket" in sentence


def test_only_what_is_set_is_an_option() -> None:
    """Under AWS's own names; the DNS servers are always set, since a set replaces AWS's own."""
    spec = parse_spec(with_value("network.dhcp", {"domain_name": "a.com", "netbios_node_type": 2}))

    assert spec.network.dhcp is not None
    assert spec.network.dhcp.options() == {
        "domain-name": ("a.com",),
        "domain-name-servers": ("AmazonProvidedDNS",),
        "netbios-node-type": ("2",),
    }
