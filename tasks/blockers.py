"""What is left after a cleanup that failed, and what keeps it from being deleted.

Looked for only then: a cleanup that goes well makes none of these calls.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Final

from envwright.errors import EnvwrightError
from envwright.failure import Failure, FailureCategory
from envwright.names import TAG_RECORD
from envwright.record import ResourceRecord, ResourceState
from tasks.aws.errors import AwsError, Halted
from tasks.context import Context
from tasks.resources.base import kind_name

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client

_NAMED: Final = 6
"""How many blockers the sentence names; the failure lists them all."""
_LONGEST_TEXT: Final = 80
"""Characters of a description or name that somebody else gave."""


def with_what_is_left(failure: Failure, beliefs: Mapping[str, ResourceRecord]) -> Failure:
    """The failure of a cleanup, with the ids of what the record believes to be there still."""
    left = {
        key: belief.ids
        for key, belief in beliefs.items()
        if belief.state is not ResourceState.GONE and belief.ids
    }
    if not left:
        return failure
    listed = ", ".join(f"{key} ({', '.join(ids)})" for key, ids in left.items())
    message = f"{failure.message} Left in AWS: {listed}."
    return failure.model_copy(update={"message": message, "left": left})


async def with_blockers(context: Context, failure: Failure, ec2: "EC2Client") -> Failure:
    """The failure of a cleanup and, where something is in use, by what.

    `ec2` is one that may still be called: the context's is not after a failure.
    """
    vpcs, groups = _own(context, "vpc"), _own(context, "security_group")
    if failure.category is not FailureCategory.BLOCKED or not (vpcs or groups):
        return failure
    blockers: list[str] = []
    try:
        if vpcs:
            blockers = await _blockers(context, ec2, vpcs)
        else:
            blockers = await _users_of_groups(context, ec2, groups)
    except (AwsError, Halted) as error:
        told = _not_looked_up(error)
    else:
        told = _sentence(blockers, of_vpc=bool(vpcs))
    return failure.model_copy(
        update={"message": f"{failure.message} {told}", "blockers": tuple(blockers)}
    )


def _not_looked_up(error: EnvwrightError) -> str:
    reason = "AWS did not answer in time." if isinstance(error, Halted) else str(error)
    return f"What uses it could not be looked up: {reason}"


def _own(context: Context, kind: str) -> list[str]:
    return [one for key in context.beliefs if kind_name(key) == kind for one in context.ids_of(key)]


def _sentence(blockers: Sequence[str], *, of_vpc: bool) -> str:
    if not blockers and not of_vpc:
        return "No network interface and no rule of others uses its security groups: look again."
    if not blockers:
        return (
            "Its VPC holds no network interface, subnet, security group, route table, internet "
            "gateway, NAT gateway or endpoint of others: look for VPN gateways and peerings."
        )
    more = f"; and {len(blockers) - _NAMED} more" if len(blockers) > _NAMED else ""
    where = "In its VPC" if of_vpc else "Using its security groups"
    return f"{where} and not of this environment: {'; '.join(blockers[:_NAMED])}{more}."


async def _blockers(context: Context, ec2: "EC2Client", vpcs: Sequence[str]) -> list[str]:
    """A few words on each thing in these VPCs that is not the environment's."""
    own = _Own(context)
    in_vpc: Any = [{"Name": "vpc-id", "Values": [*vpcs]}]
    attached: Any = [{"Name": "attachment.vpc-id", "Values": [*vpcs]}]
    interfaces = await ec2.describe_network_interfaces(Filters=in_vpc)
    subnets = await ec2.describe_subnets(Filters=in_vpc)
    groups = await ec2.describe_security_groups(Filters=in_vpc)
    tables = await ec2.describe_route_tables(Filters=in_vpc)
    gateways = await ec2.describe_internet_gateways(Filters=attached)
    nat_gateways = await ec2.describe_nat_gateways(  # type: ignore[call-arg] # so it is named
        Filter=in_vpc
    )
    endpoints = await ec2.describe_vpc_endpoints(Filters=in_vpc)
    own.adopt_interfaces(nat_gateways["NatGateways"], "NatGatewayId")
    own.adopt_interfaces(endpoints["VpcEndpoints"], "VpcEndpointId")
    return [
        *own.strangers(interfaces["NetworkInterfaces"], "NetworkInterfaceId", _interface),
        *own.strangers(subnets["Subnets"], "SubnetId", _subnet),
        *own.strangers(groups["SecurityGroups"], "GroupId", own.group),
        *own.strangers(tables["RouteTables"], "RouteTableId", _route_table),
        *own.strangers(gateways["InternetGateways"], "InternetGatewayId", _gateway),
        *own.strangers(nat_gateways["NatGateways"], "NatGatewayId", _nat_gateway),
        *own.strangers(endpoints["VpcEndpoints"], "VpcEndpointId", _endpoint),
    ]


async def _users_of_groups(context: Context, ec2: "EC2Client", groups: Sequence[str]) -> list[str]:
    """A few words on what holds on to these groups: all that is looked at of another's VPC."""
    own = _Own(context)
    using: Any = [{"Name": "group-id", "Values": [*groups]}]
    interfaces = await ec2.describe_network_interfaces(Filters=using)
    found: dict[str, Any] = {}
    for direction in ("ip-permission", "egress.ip-permission"):
        naming: Any = [{"Name": f"{direction}.group-id", "Values": [*groups]}]
        answer = await ec2.describe_security_groups(Filters=naming)
        found |= {one["GroupId"]: one for one in answer["SecurityGroups"]}
    return [
        *own.strangers(interfaces["NetworkInterfaces"], "NetworkInterfaceId", _interface),
        *own.strangers([*found.values()], "GroupId", own.group),
    ]


class _Own:
    """What is the environment's own: by its record, or by the tag that says so."""

    def __init__(self, context: Context) -> None:
        self._ids = {one for key in context.beliefs for one in context.ids_of(key)}
        self._tag = (TAG_RECORD, f"{context.record.environment_id}/{context.record.uid}")

    def strangers(
        self,
        found: Collection[Any],
        id_field: str,
        words: Callable[[Mapping[str, Any]], str],
    ) -> Iterator[str]:
        """A few words on each of these that is not the environment's own, and in the way."""
        self._ids |= {one[id_field] for one in found if self._is_tagged(one)}
        for one in found:
            attached_to = one.get("Attachment", {}).get("InstanceId")
            if one[id_field] not in self._ids and attached_to not in self._ids and words(one):
                yield words(one)

    def adopt_interfaces(self, found: Collection[Any], id_field: str) -> None:
        """Take the interfaces that AWS gave those of these which are the environment's."""
        for one in found:
            if one[id_field] in self._ids or self._is_tagged(one):
                addresses = one.get("NatGatewayAddresses", ())
                self._ids |= {address.get("NetworkInterfaceId") for address in addresses}
                self._ids |= {*one.get("NetworkInterfaceIds", ())}

    def _is_tagged(self, one: Mapping[str, Any]) -> bool:
        tags = one.get("Tags") or one.get("TagSet") or ()
        return self._tag in {(tag["Key"], tag["Value"]) for tag in tags}

    def group(self, group: Mapping[str, Any]) -> str:
        """Of a VPC's default group, which goes with it, only rules can be in the way."""
        named = {
            pair["GroupId"]
            for rule in (*group["IpPermissions"], *group["IpPermissionsEgress"])
            for pair in rule.get("UserIdGroupPairs", ())
            if "GroupId" in pair
        }
        ours = sorted(named & self._ids)
        if group["GroupName"] == "default" and not ours:
            return ""
        words = f"security group {group['GroupId']} ({_brief(group['GroupName'])})"
        return f"{words}, whose rules name {', '.join(ours)}" if ours else words


def _interface(interface: Mapping[str, Any]) -> str:
    words = [f"network interface {interface['NetworkInterfaceId']}"]
    sort = interface.get("InterfaceType", "interface")
    described = _brief(interface.get("Description") or "")
    if told := ", ".join(filter(None, ("" if sort == "interface" else sort, described))):
        words.append(f"({told})")
    words.append(f"in {interface['SubnetId']}")
    if instance := interface.get("Attachment", {}).get("InstanceId"):
        words.append(f"of instance {instance}")
    return " ".join(words)


def _subnet(subnet: Mapping[str, Any]) -> str:
    return f"subnet {subnet['SubnetId']} ({subnet['CidrBlock']})"


def _route_table(table: Mapping[str, Any]) -> str:
    """The main one goes with its VPC."""
    is_main = any(one.get("Main") for one in table.get("Associations", ()))
    return "" if is_main else f"route table {table['RouteTableId']}"


def _gateway(gateway: Mapping[str, Any]) -> str:
    return f"internet gateway {gateway['InternetGatewayId']}"


def _nat_gateway(gateway: Mapping[str, Any]) -> str:
    """One that has ended is in nobody's way."""
    if gateway["State"] in ("deleted", "failed"):
        return ""
    return f"NAT gateway {gateway['NatGatewayId']} in {gateway['SubnetId']}"


def _endpoint(endpoint: Mapping[str, Any]) -> str:
    if endpoint["State"].lower() == "deleted":
        return ""
    return f"VPC endpoint {endpoint['VpcEndpointId']} ({endpoint['ServiceName']})"


def _brief(text: str) -> str:
    return shorten(text, _LONGEST_TEXT, placeholder=" …")
