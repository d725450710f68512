"""What the fields of DHCP options must agree on (see `envwright.spec.checks`)."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from envwright.spec.dhcp import AMAZON_DNS, Dhcp
from envwright.spec.forms import Flaw, Loc, named_once
from envwright.spec.unsound import known

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec

_MOST_OF_A_VERSION: Final = 4


def servers_are_distinct(dhcp: Dhcp, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    yield from named_once("domain_name_servers", dhcp.domain_name_servers)
    yield from named_once("ntp_servers", dhcp.ntp_servers)
    yield from named_once("netbios_name_servers", dhcp.netbios_name_servers)


def amazons_dns_stands_alone(dhcp: Dhcp, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if len(dhcp.domain_name_servers) == 1:
        return
    for index, server in known(dhcp.domain_name_servers):
        if server == AMAZON_DNS:
            yield (
                ("domain_name_servers", index),
                f"AWS takes `{AMAZON_DNS}` alone, or addresses: choose one of the two.",
            )


def time_servers_are_few(dhcp: Dhcp, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    versions: Counter[int] = Counter()
    for index, server in known(dhcp.ntp_servers):
        version = ip_address(server).version
        versions[version] += 1
        if versions[version] == _MOST_OF_A_VERSION + 1:
            yield (
                ("ntp_servers", index),
                f"AWS takes {_MOST_OF_A_VERSION} IPv{version} addresses here at the most.",
            )
