"""What a caller gets of an environment that is ready."""

from pydantic import Field

from envwright.value import Value


class Instance(Value):
    """One instance as the outputs show it."""

    id: str
    group: str
    type: str
    image: str
    zone: str
    subnet_id: str
    private_ip: str | None
    private_dns: str | None
    public_ip: str | None
    public_dns: str | None
    ipv6_address: str | None = None
    state: str = Field(default="running", description="As EC2 names it: running, stopped, …")


class Endpoint(Value):
    """One VPC endpoint as the outputs show it."""

    id: str
    service: str
    dns_names: tuple[str, ...] = Field(
        default=(), description="The names of an interface endpoint; a gateway has none."
    )


class Outputs(Value):
    """What a caller needs of a ready environment."""

    vpc_id: str
    subnets: dict[str, str] = Field(description="Subnet id by subnet name.")
    ipv6_block: str | None = Field(default=None, description="The VPC's IPv6 block.")
    ipv6_subnets: dict[str, str] = Field(
        default={}, description="IPv6 block by subnet name, where the network has IPv6."
    )
    nat_addresses: dict[str, str] = Field(
        default={}, description="Public address of the NAT gateway by its zone."
    )
    security_groups: dict[str, str] = Field(description="Group id by the group's name.")
    key_pair: str | None = Field(default=None, description="The key pair's name in EC2.")
    endpoints: dict[str, Endpoint] = Field(
        default={}, description="VPC endpoint by its name in the spec."
    )
    instances: tuple[Instance, ...] = ()
