"""Reads EC2's answers: what the SDK's own parser makes of them, in a third of its time.

That one goes through all members that an answer could have, and asks the model about each of them
again in each answer. Here the model is asked once for each action, and an answer is gone through by
what it has. What is no success, or of a shape that EC2 does not have today, is left to the SDK.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, XMLParser

from aiobotocore.parsers import AioResponseParserFactory
from botocore.model import ListShape, Shape, StructureShape

_EC2: Final = "ec2"
"""What the SDK calls the protocol that EC2 alone speaks."""
_REQUEST_ID: Final = "requestId"

_Read = Callable[[Element], Any]


class _LeftToTheSdk(Exception):
    """Of a shape that is read here by none."""


class ParserFactory(AioResponseParserFactory):
    """Makes the SDK's parsers, but for that of EC2's answers.

    Each is made once: the SDK would have one made for each call, which holds its own method.
    """

    def __init__(self, timestamp_parser: Callable[[Any], Any]) -> None:
        """`timestamp_parser` reads times, as AWS tells them, for all parsers."""
        super().__init__()
        self.set_parser_defaults(timestamp_parser=timestamp_parser)
        self._parsers: dict[str, Any] = {
            _EC2: Ec2Parser(super().create_parser(_EC2), timestamp_parser)
        }

    def create_parser(self, protocol_name: str) -> Any:
        if protocol_name not in self._parsers:
            self._parsers[protocol_name] = super().create_parser(protocol_name)
        return self._parsers[protocol_name]


class Ec2Parser:
    """A parser as the SDK's endpoint takes it, but that it leaves out the answer's headers."""

    def __init__(self, sdk: Any, timestamp_parser: Callable[[Any], Any]) -> None:
        """`sdk` is its own parser of the same protocol."""
        self._sdk = sdk
        self._scalars: Mapping[str, _Read] = {
            "boolean": lambda node: node.text == "true",
            "integer": lambda node: int(node.text or ""),
            "long": lambda node: int(node.text or ""),
            "float": lambda node: float(node.text or ""),
            "double": lambda node: float(node.text or ""),
            "string": lambda node: node.text or "",
            "timestamp": lambda node: timestamp_parser(node.text or ""),
        }
        self._readers: dict[Shape | None, _Read | None] = {None: _structure({})}

    async def parse(self, response: Mapping[str, Any], shape: Shape | None) -> Any:
        """Raises what the SDK's parser raises, which reads again what cannot be read."""
        if response["status_code"] < 300 and (read := self.reader(shape)) is not None:
            try:
                return _answer(response, read)
            except (ParseError, ValueError):
                pass
        return await self._sdk.parse(response, shape)

    def reader(self, shape: Shape | None) -> _Read | None:
        """What reads an answer of this shape; None where that is left to the SDK."""
        if shape is not None and shape not in self._readers:
            try:
                self._readers[shape] = self._reads(shape, ())
            except _LeftToTheSdk:
                self._readers[shape] = None
        return self._readers[shape]

    def _reads(self, shape: Shape, within: Sequence[str]) -> _Read:
        told = shape.serialization
        if shape.name in within or not told.keys() <= {"name"}:
            raise _LeftToTheSdk
        within = (*within, shape.name)
        if isinstance(shape, StructureShape):
            if shape.is_tagged_union or shape.metadata.get("exception"):
                raise _LeftToTheSdk
            return _structure(
                {
                    one.serialization.get("name", member): (member, self._reads(one, within))
                    for member, one in shape.members.items()
                }
            )
        if isinstance(shape, ListShape):
            read = self._reads(shape.member, within)
            return lambda node: [read(item) for item in node]
        if shape.type_name not in self._scalars:
            raise _LeftToTheSdk
        return self._scalars[shape.type_name]


def _answer(response: Mapping[str, Any], read: _Read) -> dict[str, Any]:
    # As the SDK reads it; the answer is AWS's, over TLS.
    parser = XMLParser(encoding="utf-8")  # noqa: S314
    parser.feed(response["body"])
    root = parser.close()
    metadata = {"HTTPStatusCode": response["status_code"]}
    for node in root:
        if _name(node) == _REQUEST_ID:
            metadata["RequestId"] = node.text
    return {**read(root), "ResponseMetadata": metadata}


def _structure(fields: Mapping[str, tuple[str, _Read]]) -> _Read:
    """Reads an element whose children have these names, into members that have others."""

    def read(node: Element) -> dict[str, Any]:
        found = {}
        for child in node:
            if (field := fields.get(_name(child))) is not None:
                member, read_member = field
                found[member] = read_member(child)
        return found

    return read


def _name(node: Element) -> str:
    """Without the namespace, which has the version of the API."""
    return node.tag.rpartition("}")[2]
