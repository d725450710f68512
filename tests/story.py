"""Records and events as a display hears them, and the picture that it makes of them."""

from collections.abc import Sequence

from rich.text import Text

from envwright.cli.painter import Marks, Painter
from envwright.names import Step
from envwright.record import Event, Record, ResourceRecord, ResourceState
from envwright.states import State

T0 = 1_795_000_000.0
"""When the runs of these tests were accepted, in Unix seconds."""


def at(record: Record, state: State, step: Step, **fields: object) -> Record:
    return record.model_copy(update={"state": state, "step": step, "attempt": 1, **fields})


def event(after: float, kind: str, state: str = "", **fields: object) -> Event:
    """Something that happened this long after the first run was accepted."""
    values = {"at": T0 + after, "type": kind, "state": state, "run": "first", **fields}
    return Event.model_validate(values)


def step(after: float, name: Step, state: str, **fields: object) -> Event:
    return event(after, "step", state, step=name, **fields)


def resource(state: ResourceState, *ids: str) -> ResourceRecord:
    return ResourceRecord(state=state, ids=ids, at=T0)


def drawn(lines: Sequence[Text]) -> str:
    return "\n".join(line.plain.rstrip() for line in lines)


def painter(now: float, width: int = 79) -> Painter:
    return Painter(Marks(spinner="*"), width, T0 + now)
