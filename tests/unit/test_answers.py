"""EC2's answers are read as the SDK reads them: each is held against the SDK's own parser."""

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import pytest
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.parsers import AioEC2QueryParser
from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.parsers import ResponseParserError

from tasks.aws.actions import ACTIONS
from tasks.aws.answers import ParserFactory
from tasks.aws.session import moment, new_session

EC2 = ServiceModel(Loader().load_service_model("ec2", "service-2"))
SHAPES = {
    action: EC2.operation_model(action).output_shape
    for action in sorted(ACTIONS)
    if action in EC2.operation_names
}
TEXTS = {
    "boolean": ("true", "false"),
    "integer": ("7", "-1"),
    "long": ("7", "12345678901"),
    "float": ("0.5", "2"),
    "double": ("0.5", "2"),
    "string": ("ä & b", None),
    "timestamp": ("2026-11-24T22:44:36.425Z", "2026-11-24T22:44:36Z"),
}


def parser() -> Any:
    return ParserFactory(moment).create_parser("ec2")


def fill(node: Element, shape: Shape, texts: Iterator[int]) -> None:
    """Say all that a shape can say, and something that it does not know."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            fill(SubElement(node, member.serialization.get("name", name)), member, texts)
        SubElement(node, "newlyInvented").text = "later"
    elif isinstance(shape, ListShape):
        for _ in range(2):
            fill(SubElement(node, "item"), shape.member, texts)
        node.text = "\n  "
    else:
        node.text = TEXTS[shape.type_name][next(texts) % 2]


def answer_of(shape: Shape | None, *, is_empty: bool = False) -> bytes:
    root = Element("{http://ec2.amazonaws.com/doc/2016-11-15/}AnyResponse")
    SubElement(root, "requestId").text = "request-1"
    if shape is not None and not is_empty:
        fill(root, shape, iter(range(1_000_000)))
    # As AWS writes it, each element is in its namespace.
    for node in root.iter():
        node.tag = "{http://ec2.amazonaws.com/doc/2016-11-15/}" + node.tag.rpartition("}")[2]
    return tostring(root)


async def read_by_both(body: bytes, shape: Shape | None, status: int = 200) -> tuple[Any, Any]:
    """What the SDK reads, but for the headers, and what we read."""
    response = {"status_code": status, "headers": {}, "body": body, "context": {}}
    theirs: Any = await AioEC2QueryParser(timestamp_parser=moment).parse(response, shape)
    if status < 300:
        del theirs["ResponseMetadata"]["HTTPHeaders"]
    return theirs, await parser().parse(response, shape)


@pytest.mark.parametrize("action", SHAPES)
async def test_an_answer_is_read_as_the_sdk_reads_it(action: str) -> None:
    """With all that the action's answer can have, and with nothing of it."""
    shape = SHAPES[action]
    for is_empty in (False, True):
        theirs, ours = await read_by_both(answer_of(shape, is_empty=is_empty), shape)
        assert ours == theirs
        assert ours["ResponseMetadata"]["RequestId"] == "request-1"


def test_no_answer_is_left_to_the_sdk() -> None:
    """None of EC2's shapes has what the quick way does not know."""
    assert [action for action, shape in SHAPES.items() if parser().reader(shape) is None] == []


@pytest.mark.parametrize(
    "told",
    [
        {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
        {"type": "list", "member": {"shape": "Text"}, "flattened": True},
        {"type": "blob"},
        {"type": "structure", "members": {"Itself": {"shape": "Told"}}},
    ],
)
def test_what_ec2_does_not_have_today_is_left_to_the_sdk(told: dict[str, Any]) -> None:
    shapes = {"Told": told, "Text": {"type": "string"}}
    shapes["Answer"] = {"type": "structure", "members": {"One": {"shape": "Told"}}}
    model = ServiceModel({"metadata": {}, "operations": {}, "shapes": shapes})

    assert parser().reader(model.shape_for("Answer")) is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            400,
            b"<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>No vpc-1"
            b"</Message></Error></Errors><RequestID>request-1</RequestID></Response>",
        ),
        (503, b"<html><body><b>Http/1.1 Service Unavailable</b></body></html>"),
    ],
)
async def test_a_refusal_is_read_by_the_sdk(status: int, body: bytes) -> None:
    theirs, ours = await read_by_both(body, SHAPES["CreateVpc"], status)

    assert ours == theirs
    assert ours["Error"]["Code"]


@pytest.mark.parametrize("body", [b"", b"<CreateVpcResponse><vpc>", b"no XML"])
async def test_what_cannot_be_read_is_told_as_by_the_sdk(body: bytes) -> None:
    """The wire takes it for an answer that never came."""
    response = {"status_code": 200, "headers": {}, "body": body, "context": {}}

    with pytest.raises(ResponseParserError, match="invalid XML received"):
        await parser().parse(response, SHAPES["CreateVpc"])


class Reply:
    async def read(self) -> bytes:
        return answer_of(SHAPES["CreateVpc"])


async def test_the_clients_of_a_session_read_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a worker's own credentials and those of a role are of `new_session`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    reply = AioAWSResponse("https://ec2.eu-west-1.amazonaws.com/", 200, {}, Reply())

    async with new_session().create_client("ec2", region_name="eu-west-1") as client:
        client.meta.events.register("before-send.ec2", lambda **_: reply)
        answer = await client.create_vpc(CidrBlock="10.0.0.0/16")

    assert "VpcId" in answer["Vpc"]
    assert "HTTPHeaders" not in answer["ResponseMetadata"]
