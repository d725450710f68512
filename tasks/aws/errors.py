"""AWS's errors by what they ask of us. The codes are those of the EC2 API's error reference."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, Final

from envwright.errors import EnvwrightError
from envwright.failure import ErrorClass as ErrorClass

_CODES: Final[dict[ErrorClass, frozenset[str]]] = {
    ErrorClass.THROTTLED: frozenset(
        {
            "EC2ThrottledException",
            "PriorRequestNotComplete",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        }
    ),
    ErrorClass.TRANSIENT: frozenset(
        {
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "RequestTimeout",
            "ServerInternal",
            "ServiceUnavailable",
            "Unavailable",
        }
    ),
    # Of the kinds that we make: an id of the caller's own that is unknown is a mistake of his.
    ErrorClass.NOT_FOUND: frozenset(
        {
            "InvalidAddress.NotFound",
            "InvalidAddressID.NotFound",
            "InvalidAllocationID.NotFound",
            "InvalidAssociationID.NotFound",
            "InvalidDhcpOptionID.NotFound",
            "InvalidDhcpOptionsID.NotFound",
            "InvalidEgressOnlyInternetGatewayId.NotFound",
            "InvalidFlowLogId.NotFound",
            "InvalidGatewayID.NotFound",
            "InvalidGroup.NotFound",
            "InvalidInstanceID.NotFound",
            "InvalidInternetGatewayID.NotFound",
            "InvalidKeyPair.NotFound",
            "InvalidNatGatewayID.NotFound",
            "InvalidNetworkInterfaceID.NotFound",
            "InvalidRouteTableID.NotFound",
            "InvalidRouteTableId.NotFound",
            "InvalidSecurityGroupID.NotFound",
            "InvalidSubnetID.NotFound",
            "InvalidSubnetId.NotFound",
            "InvalidVpcEndpoint.NotFound",
            "InvalidVpcEndpointId.NotFound",
            "InvalidVpcID.NotFound",
            "NatGatewayNotFound",
        }
    ),
    ErrorClass.ABSENT: frozenset(
        {"Gateway.NotAttached", "InvalidPermission.NotFound", "InvalidRoute.NotFound"}
    ),
    ErrorClass.CONFLICT: frozenset(
        {
            "ConcurrentMutationLimitExceeded",
            "ConcurrentTagAccess",
            "IncorrectInstanceState",
            "IncorrectState",
            "ResourceNotReady",
        }
    ),
    ErrorClass.DEPENDENCY: frozenset(
        {
            "DependencyViolation",
            "InvalidGroup.InUse",
            "InvalidIPAddress.InUse",
            "ResourceInUse",
            "VolumeInUse",
        }
    ),
    ErrorClass.CAPACITY: frozenset(
        {
            "InsufficientAddressCapacity",
            "InsufficientFreeAddressesInSubnet",
            "InsufficientHostCapacity",
            "InsufficientInstanceCapacity",
            "InsufficientVolumeCapacity",
            "SpotMaxPriceTooLow",
            "UnfulfillableCapacity",
            "Unsupported",
        }
    ),
    ErrorClass.QUOTA: frozenset({"MaxSpotInstanceCountExceeded"}),
    ErrorClass.PERMISSION: frozenset(
        {
            "AccessDenied",
            "AccessDeniedException",
            "AuthFailure",
            "Blocked",
            "InvalidClientTokenId",
            "OptInRequired",
            "PendingVerification",
            "SignatureDoesNotMatch",
            "TagPolicyViolation",
            "UnauthorizedOperation",
            "UnrecognizedClientException",
        }
    ),
    ErrorClass.EXISTS: frozenset(
        {
            "FlowLogAlreadyExists",
            "InvalidGroup.Duplicate",
            "InvalidKeyPair.Duplicate",
            "InvalidPermission.Duplicate",
            "InvalidSubnet.Conflict",
            "Resource.AlreadyAssociated",
            "RouteAlreadyExists",
        }
    ),
    ErrorClass.EXPIRED: frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"}),
    ErrorClass.TOKEN: frozenset({"IdempotentInstanceTerminated", "IdempotentParameterMismatch"}),
}
_CLASS_BY_CODE: Final = {code: name for name, codes in _CODES.items() for code in codes}


_HAS_A_PROFILE: Final = "There is an existing association for instance"
"""What AssociateIamInstanceProfile says, under the code of a state that may yet become right."""


def classify(code: str, http_status: int, message: str = "") -> ErrorClass:
    """The class of an error; by its code first, since capacity errors come as HTTP 500 too."""
    if message.startswith(_HAS_A_PROFILE):
        return ErrorClass.EXISTS
    if code in _CLASS_BY_CODE:
        return _CLASS_BY_CODE[code]
    if code.endswith("LimitExceeded"):
        return ErrorClass.QUOTA
    if http_status >= 500:
        return ErrorClass.TRANSIENT
    return ErrorClass.INVALID


_LONGEST_MESSAGE: Final = 400
"""Characters of AWS's own words that are kept: some list every value that would be right."""

_ADVICE: Final[dict[ErrorClass, str]] = {
    ErrorClass.CAPACITY: "Try another instance type or zone, or retry later.",
    ErrorClass.QUOTA: "Have this quota raised in Service Quotas, or free what uses it up.",
    ErrorClass.EXPIRED: "Give the worker fresh credentials.",
    ErrorClass.PERMISSION: "Check the worker's credentials and what they are allowed to do.",
    ErrorClass.DEPENDENCY: "Something that is not of this environment still uses it.",
    ErrorClass.INVALID: "Correct the spec.",
}


class AwsError(EnvwrightError):
    """AWS refused a call."""

    def __init__(
        self,
        action: str,
        code: str,
        message: str,
        request_id: str | None,
        error_class: ErrorClass,
    ) -> None:
        self.action = action
        self.code = code
        self.aws_message = message
        self.request_id = request_id
        self.error_class = error_class
        self.items: frozenset[str] = frozenset()
        """The ids that were refused, where AWS has done the call for all others."""
        self.after_silence = False
        """Whether the call had been sent before, and not been answered."""
        advice = _ADVICE.get(error_class, "")
        text = shorten(message, _LONGEST_MESSAGE, placeholder=" …").rstrip(".")
        super().__init__(f"AWS refused {action} with {code}: {text}. {advice}".rstrip())


class NoCapacity(AwsError):
    """AWS had no capacity for a launch, wherever it was tried."""

    def __init__(self, last: AwsError, tried: Sequence[str]) -> None:
        super().__init__(
            last.action, last.code, last.aws_message, last.request_id, last.error_class
        )
        self.after_silence = last.after_silence
        self.args = (
            f"AWS had no capacity for {', '.join(tried)}. Name other types or zones, or retry "
            f"later.",
        )


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a call is made again."""

    message: str
    error_class: ErrorClass


class UnansweredCreate(EnvwrightError):
    """A create was sent and not answered: what it was to make may exist or not."""

    def __init__(self, action: str, reason: str) -> None:
        self.action = action
        super().__init__(f"{action} was sent and not answered ({reason}).")


class Halted(EnvwrightError):
    """No further call may be made for this step: its worker stops, or its lease is gone."""


def from_client_error(action: str, response: dict[str, Any]) -> AwsError:
    """The error that a reply of the SDK stands for; `action` is the call that was refused."""
    error = response.get("Error", {})
    meta = response.get("ResponseMetadata", {})
    code = str(error.get("Code", "Unknown"))
    message = str(error.get("Message", "no message"))
    refusal = AwsError(
        action=action,
        code=code,
        message=message,
        request_id=meta.get("RequestId") or response.get("RequestId"),
        error_class=classify(code, int(meta.get("HTTPStatusCode", 0)), message),
    )
    refusal.items = frozenset(response.get("Items", ()))
    return refusal


def refused_item(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """What AWS refused of a call on several items, in the form of an error's response.

    Such a call counts as successful, and says so item by item (EC2 API: UnsuccessfulItem). Of an
    item that does not exist it is told only where nothing else was wrong.
    """
    errors = [
        one["Error"] | {"Message": f"{one.get('ResourceId')}: {one['Error'].get('Message')}"}
        for one in answer.get("Unsuccessful", ())
    ]
    if not errors:
        return None
    gravest = min(errors, key=lambda one: classify(one["Code"], 0) is ErrorClass.NOT_FOUND)
    return {
        "Error": gravest,
        "Items": [one["ResourceId"] for one in answer["Unsuccessful"] if "ResourceId" in one],
        "ResponseMetadata": answer.get("ResponseMetadata", {}),
    }


@contextmanager
def tolerating(*classes: ErrorClass) -> Iterator[None]:
    """Take these errors for success: what was asked for is so already."""
    try:
        yield
    except AwsError as error:
        if error.error_class not in classes:
            raise
