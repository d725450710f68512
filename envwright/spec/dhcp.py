"""The DHCP options of a spec's network.

The limits are AWS's own, from the Amazon EC2 API Reference, CreateDhcpOptions.
"""

from ipaddress import ip_address
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from envwright.spec.forms import Form, fault, shown
from envwright.spec.part import Part

AMAZON_DNS: Final = "AmazonProvidedDNS"


def _read_address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise fault(f"{shown(value)} is not an IP address, such as 10.20.0.53.") from None


def _read_ipv4_address(value: str) -> str:
    address = _read_address(value)
    if ":" in address:
        raise fault(f"{shown(value)} is an IPv6 address, and an IPv4 one is needed here.")
    return address


def _read_dns_server(value: str) -> str:
    return value if value == AMAZON_DNS else _read_address(value)


_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

DomainName = Annotated[
    str,
    Form(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", "a domain name, such as corp.example.com."),
]
Address = Annotated[str, AfterValidator(_read_address)]
Ipv4Address = Annotated[str, AfterValidator(_read_ipv4_address)]
DnsServer = Annotated[str, AfterValidator(_read_dns_server)]


class Dhcp(Part):
    """What DHCP tells the VPC's instances. It takes the place of AWS's default set as a whole."""

    domain_name: DomainName | None = Field(
        None, description="The domain in which instances look up names without dots."
    )
    domain_name_servers: Annotated[tuple[DnsServer, ...], Field(min_length=1, max_length=4)] = (
        Field(
            (AMAZON_DNS,),
            description="The DNS servers: 1 to 4 IP addresses, or `AmazonProvidedDNS` alone.",
        )
    )
    ntp_servers: Annotated[tuple[Address, ...], Field(max_length=8)] = Field(
        (), description="The time servers: up to 4 IPv4 and 4 IPv6 addresses."
    )
    netbios_name_servers: Annotated[tuple[Ipv4Address, ...], Field(max_length=4)] = Field(
        (), description="The NetBIOS name servers: up to 4 IPv4 addresses."
    )
    netbios_node_type: Literal[1, 2, 4, 8] | None = Field(
        None, description="The NetBIOS node type: 1, 2, 4 or 8, of which AWS advises 2."
    )

    def options(self) -> dict[str, tuple[str, ...]]:
        """What is set, under the names that the EC2 API has for it."""
        options = {
            "domain-name": (self.domain_name,) if self.domain_name else (),
            "domain-name-servers": self.domain_name_servers,
            "ntp-servers": self.ntp_servers,
            "netbios-name-servers": self.netbios_name_servers,
            "netbios-node-type": (str(self.netbios_node_type),) if self.netbios_node_type else (),
        }
        return {name: values for name, values in options.items() if values}
