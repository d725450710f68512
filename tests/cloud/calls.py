"""One call to AWS as it stands on the wire, and the reply to it."""

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from tests.cloud.accounts import account_of

JSON: Final = "application/x-amz-json-1.1"
_IN_JSON: Final = frozenset({"servicequotas", "ssm"})
"""The services that speak it; the others take forms and answer in XML."""
_READS: Final = ("Describe", "Get", "List", "AssumeRole")
_SCOPE: Final = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
_ITEM: Final = re.compile(r"<item>.*?<resourceId>(.*?)</resourceId>.*?</item>", re.DOTALL)
_REQUEST_ID: Final = re.compile(r"<(requestId|RequestID|RequestId)>[^<]*<")


@dataclass
class Call:
    """A call and what became of it."""

    action: str
    service: str
    region: str
    account: str
    parameters: Mapping[str, Any]
    access_key: str = ""
    """All that a request says of its account."""
    number: int = 0
    """Which call of its account it is, from 1."""
    nth: int = 0
    """Which of its account's calls of this action it is, from 1."""
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    at: float = field(default_factory=time.monotonic)
    """When it came."""
    took_effect: bool = False
    """Whether the emulator has done it."""
    status: int | None = None
    """The HTTP status of the reply; None while there is none, and when it was lost."""
    code: str | None = None
    """AWS's error code, when the reply was an error."""

    @property
    def mutates(self) -> bool:
        return not self.action.startswith(_READS)

    @property
    def in_json(self) -> bool:
        return self.service in _IN_JSON

    def values(self, name: str) -> list[str]:
        """The members of a list parameter: of `InstanceId`, those of `InstanceId.1` and so on."""
        return [one for key, one in self.parameters.items() if key.startswith(f"{name}.")]

    def encoded(self, parameters: Mapping[str, Any]) -> str:
        """The body of such a call with these parameters."""
        if self.in_json:
            return json.dumps(parameters)
        return urlencode({"Action": self.action, **parameters})


@dataclass(frozen=True)
class Reply:
    """What goes back over the wire."""

    status: int
    body: str
    content_type: str = "text/xml"

    @property
    def code(self) -> str | None:
        """AWS's error code; None when the reply is no error."""
        if self.status < 400:
            return None
        found = re.search(r"<Code>(.*?)</Code>|\"__type\": \"(.*?)\"", self.body)
        return (found[1] or found[2]) if found else "Unknown"

    def with_request_id(self, request_id: str) -> "Reply":
        """With an id of its own: moto gives all replies the same one."""
        body = _REQUEST_ID.sub(rf"<\1>{request_id}<", self.body)
        return Reply(self.status, body, self.content_type)

    def without_tags_of(self, hidden: Callable[[str], bool]) -> "Reply":
        """The answer of DescribeTags, without the tags of these resource ids."""
        body = _ITEM.sub(lambda item: "" if hidden(item[1]) else item[0], self.body)
        return Reply(self.status, body, self.content_type)


def call_from(headers: Mapping[str, str], body: str) -> Call:
    """Read a call from its request: EC2 and STS name it in the form, the others in a header."""
    scope = _SCOPE.search(headers.get("Authorization", ""))
    access_key, region, service = scope.groups() if scope else ("", "", "")
    if target := headers.get("X-Amz-Target"):
        parameters = json.loads(body)
        action = target.rpartition(".")[2]
    else:
        parameters = dict(parse_qsl(body, keep_blank_values=True))
        action = parameters.pop("Action", "")
    return Call(action, service, region, account_of(access_key), parameters, access_key)


def refusal(call: Call, code: str, message: str, status: int) -> Reply:
    """An error in the form in which the call's service gives it."""
    if call.in_json:
        error = json.dumps({"__type": code, "message": message})
        return Reply(status, error, JSON)
    return Reply(
        status,
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
        f"<Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID></RequestID></Response>",
    )
