"""Eventual consistency: what a create made is unknown for a while, and is seen and unseen again."""

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tests.cloud.behaviour import Behaviour
from tests.cloud.calls import Call, Reply, refusal
from tests.cloud.kinds import (
    ID,
    MADE_BY,
    NOT_DELETED,
    NOT_FOUND,
    NOT_FOUND_BY_ROUTES,
    SHOWN_BY,
    prefix_of,
)

_SAYS_NOTHING = ("Filter.", "TagSpecification.", "Tag.", "ClientToken", "UserData")
"""What of a call's parameters is not looked up by id."""


@dataclass(frozen=True)
class _Birth:
    at: float
    call: Call


class Visibility:
    """Of what was made in one region of an account."""

    def __init__(self) -> None:
        self._births: dict[str, _Birth] = {}

    @property
    def ever_made(self) -> frozenset[str]:
        return frozenset(self._births)

    def note(self, call: Call, reply: Reply) -> None:
        """Remember when this call made what it made."""
        made = MADE_BY.get(call.action)
        if made and reply.code is None:
            birth = _Birth(asyncio.get_running_loop().time(), call)
            for one in ID.findall(reply.body):
                if prefix_of(one) in made:
                    self._births.setdefault(one, birth)

    def unknown(self, call: Call, behaviour: Behaviour) -> Reply | None:
        """The refusal of a call that names what is not known yet."""
        if not behaviour.id_lag or not self._births or call.action in NOT_DELETED:
            return None
        for name, value in call.parameters.items():
            if not name.startswith(_SAYS_NOTHING):
                for one in ID.findall(value):
                    if self._hidden(one, call, behaviour, "id"):
                        return _not_found(call, one)
        return None

    def unseen(self, call: Call, behaviour: Behaviour) -> Mapping[str, str]:
        """The parameters of a call that tells item by item, which name what is not known yet."""
        if not behaviour.id_lag or call.action not in NOT_DELETED:
            return {}
        return {
            name: value
            for name, value in call.parameters.items()
            if ID.fullmatch(str(value)) and self._hidden(value, call, behaviour, "id")
        }

    def as_seen(self, call: Call, reply: Reply, behaviour: Behaviour) -> Reply:
        """The reply of a read, without what is not to be seen yet."""
        if not self._births or reply.code is not None:
            return reply
        if call.action == "DescribeTags" and behaviour.tag_lag:
            return reply.without_tags_of(lambda one: self._hidden(one, call, behaviour, "tag"))
        if call.action in SHOWN_BY and behaviour.id_lag:
            hidden = {
                one
                for one in set(ID.findall(reply.body)) & self._births.keys()
                if self._hidden(one, call, behaviour, "id")
            }
            return _without(reply, SHOWN_BY[call.action], hidden) if hidden else reply
        return reply

    def _hidden(self, one: str, call: Call, behaviour: Behaviour, what: str) -> bool:
        if one not in self._births:
            return False
        birth = self._births[one]
        span = behaviour.id_lag if what == "id" else behaviour.tag_lag
        age = asyncio.get_running_loop().time() - birth.at
        if age >= behaviour.seconds(span, birth.call, f"{what} lag"):
            return False
        return behaviour.chance(call, f"{what} flaps") >= behaviour.flapping


def _not_found(call: Call, one: str) -> Reply:
    codes = NOT_FOUND | (NOT_FOUND_BY_ROUTES if call.action.endswith("Route") else {})
    return refusal(call, codes[prefix_of(one)], f"The ID '{one}' does not exist", 400)


def with_unsuccessful(call: Call, reply: Reply, ids: Collection[str]) -> Reply:
    """The reply of a call that tells item by item, with these as well."""
    if not ids or reply.code is not None:
        return reply
    items = "".join(
        f"<item><resourceId>{one}</resourceId><error><code>{NOT_DELETED[call.action]}</code>"
        f"<message>The ID '{one}' does not exist</message></error></item>"
        for one in ids
    )
    body = reply.body.replace("<unsuccessful/>", "<unsuccessful></unsuccessful>")
    body = body.replace("<unsuccessful>", f"<unsuccessful>{items}", 1)
    return Reply(reply.status, body, reply.content_type)


def _without(reply: Reply, id_element: str, hidden: set[str]) -> Reply:
    """A describe's reply without these items; of instances, a reservation without any goes too."""
    root = ET.fromstring(reply.body)  # noqa: S314
    space = root.tag.partition("}")[0] + "}"
    ET.register_namespace("", space.strip("{}"))
    for items in root:
        for item in list(items):
            instances = item.find(f"{space}instancesSet")
            holder = items if instances is None else instances
            for one in [item] if instances is None else list(instances):
                if one.findtext(f"{space}{id_element}") in hidden:
                    holder.remove(one)
            if instances is not None and not len(instances):
                items.remove(item)
    return Reply(reply.status, ET.tostring(root, encoding="unicode"), reply.content_type)
