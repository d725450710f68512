"""What it costs to read a record, which each step of a run does."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from envwright import spec
from envwright.names import RECORD_FORMAT, Step
from envwright.new_run import compensation
from envwright.record_fields import record_from_fields
from envwright.states import State
from tests.spec_data import valid

WEB = "web.eu-west-1"


@contextmanager
def calls_into(package: str) -> Iterator[list[str]]:
    """The functions of this package that are called meanwhile."""
    found: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").startswith(package):
            found.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


def test_a_spec_is_checked_once() -> None:
    """To check it is most of what reading a record costs, and it is the same in each step."""
    fields = {
        "format": str(RECORD_FORMAT),
        "uid": "uid",
        "spec": json.dumps(valid() | {"name": "checked-once"}),
        "created_at": "1",
        "updated_at": "1",
        "state": State.CLEANING,
        "step": Step.NETWORK,
        "run": compensation(1.0).model_dump_json(),
    }

    with calls_into(spec.__name__) as first_calls:
        first = record_from_fields(WEB, fields)
    with calls_into(spec.__name__) as calls:
        second = record_from_fields(WEB, fields | {"step": Step.SECURITY})

    assert second.spec is first.spec
    assert first_calls
    assert calls == []
