"""An AWS that is played: the steps can be rehearsed with it, and nothing is changed.

What reads AWS as it is goes through to it. What changes something is written down, and answered
as the SDK's own model says that AWS answers; and so is a read of what was made in the rehearsal.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from structlog.contextvars import get_contextvars

from tasks.aws.actions import ACTIONS, Effect

_STATES: Final = ("available", "associated", "attached", "running", "active")
"""What a played resource is, where the model lets it be."""

_IPV6_BLOCK: Final = "2001:db8::/56"
"""Stands for the block that Amazon would give (RFC 3849: addresses for documentation)."""

_FAULTS: Final = frozenset({"Unsuccessful", "FailureCode", "FailureMessage", "NextToken"})
"""What an answer has only where something failed, or there is more of it."""

_DEPTH: Final = 12
"""No answer that is read nests deeper; some shapes of the model contain themselves."""

_PREFIXES: Final = {
    "AllocationId": "eipalloc",
    "EgressOnlyInternetGatewayId": "eigw",
    "FlowLogId": "fl",
    "GroupId": "sg",
    "InstanceId": "i",
    "InternetGatewayId": "igw",
    "KeyPairId": "key",
    "NatGatewayId": "nat",
    "NetworkInterfaceId": "eni",
    "RouteTableId": "rtb",
    "VpcEndpointId": "vpce",
}


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A call that would change something, with what it would say."""

    action: str
    operation: str
    parameters: Mapping[str, Any] = field(repr=False)
    resource: str | None
    """The key of what it is made for."""


class Rehearsal:
    """Stands in for a door to one service."""

    def __init__(self, door: Any, client: Any) -> None:
        """`door` is for the reads of what exists; `client` is the SDK's, for its model alone."""
        self.changes: list[Rehearsed] = []
        self.reads: Counter[str] = Counter()
        self._door = door
        self._meta = client.meta
        self._made: list[str] = []
        mapping: Mapping[str, str] = client.meta.method_to_api_mapping
        self._operations = {action: operation for operation, action in mapping.items()}

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        action = self._meta.method_to_api_mapping.get(operation)
        if action not in ACTIONS:
            raise AttributeError(f"{operation} is not among the calls in tasks/aws/actions.py")

        async def call(**parameters: Any) -> Any:
            if ACTIONS[action] is not Effect.READ:
                resource = get_contextvars().get("resource")
                self.changes.append(Rehearsed(action, operation, parameters, resource))
                return self._joined(action, [{}] * parameters.get("MaxCount", 1))
            self.reads[action] += 1
            said = json.dumps(parameters, default=str)
            if mentioned := [one for one in self._made if one in said]:
                return self._joined(action, [{one.split("-")[0]: one} for one in mentioned])
            return await getattr(self._door, operation)(**parameters)

        return call

    def actions(self) -> list[str]:
        """All that the door lets through to this service."""
        return [action for action in ACTIONS if action in self._operations]

    def takes_dry_run(self, action: str) -> bool:
        """Whether AWS can be asked what it would say to this call."""
        return "DryRun" in self._model(action).input_shape.members

    def example_of(self, action: str) -> Rehearsed:
        """Some call of this action, with made-up parameters."""
        shape = self._model(action).input_shape
        parameters = {
            name: self._example(of, name, {})
            for name, of in shape.members.items()
            if name in shape.required_members or _is_id(name)
        }
        return Rehearsed(action, self._operations[action], parameters, None)

    def _model(self, action: str) -> Any:
        return self._meta.service_model.operation_model(action)

    def _joined(self, action: str, of: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        """An answer to this call, with an entry for each of these (ids by their prefix)."""
        shape = self._model(action).output_shape
        joined: dict[str, Any] = {}
        for ids in of if shape is not None else ():
            for name, value in self._example(shape, action, ids).items():
                joined[name] = joined.get(name, []) + value if isinstance(value, list) else value
        return joined

    def _example(self, shape: Any, name: str, ids: Mapping[str, str], depth: int = 0) -> Any:
        """Something of this shape, as an answer has it under this name."""
        match shape.type_name:
            case "structure" if depth < _DEPTH:
                return {
                    member: self._example(of, member, ids, depth + 1)
                    for member, of in shape.members.items()
                    if member not in _FAULTS
                }
            case "list" if depth < _DEPTH:
                return [self._example(shape.member, name, ids, depth + 1)]
            case "string":
                return self._text(shape, name, ids)
            case "boolean":
                return False
            case "integer" | "long" | "float" | "double":
                return 0
            case _:
                return None

    def _text(self, shape: Any, name: str, ids: Mapping[str, str]) -> str:
        if allowed := getattr(shape, "enum", []):
            return next((one for one in allowed if one.casefold() in _STATES), str(allowed[0]))
        if name == "Ipv6CidrBlock":
            return _IPV6_BLOCK
        if not _is_id(name):
            return name
        singular = name.removesuffix("s")
        prefix = _PREFIXES.get(singular, singular[:-2].lower())
        if prefix not in ids:
            self._made.append(f"{prefix}-{len(self._made):017x}")
            return self._made[-1]
        return ids[prefix]


def _is_id(name: str) -> bool:
    return name.removesuffix("s").endswith("Id")
