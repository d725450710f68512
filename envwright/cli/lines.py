"""One line for each event: for logs and pipes, and as JSON."""

import sys
from types import TracebackType
from typing import Final, Protocol, Self

from envwright.cli.output import clean, described, duration, plain, print_json
from envwright.cli.watch import Update
from envwright.failure import FailureCategory
from envwright.moments import moment
from envwright.record import Event

REDIS_AWAY: Final = "Redis does not answer: waiting a few seconds for it. The jobs go on."


class Screen(Protocol):
    """Where something is watched, until the watch ends."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def show_outage(self, is_away: bool) -> None:
        """Say that Redis does not answer, or that it answers again."""
        ...


class Display(Screen, Protocol):
    """Shows the updates of a watch, one way or another."""

    def show(self, update: Update) -> None: ...

    def join(self, update: Update) -> None:
        """Begin with an environment as it is now: its events so far happened before we came."""
        ...


class Lines:
    """Lines on stdout; outages on stderr."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        sys.stdout.flush()

    def show_outage(self, is_away: bool) -> None:
        sys.stderr.write(f"{REDIS_AWAY if is_away else 'Redis answers again.'}\n")
        sys.stderr.flush()


class LineDisplay(Lines):
    """Plain lines, each flushed."""

    def show(self, update: Update) -> None:
        for event in update.events:
            self._print(update.record.environment_id, event)

    def join(self, update: Update) -> None:
        record = update.record
        at_step = "" if record.at_rest else f" already, at {record.step}"
        sys.stdout.write(
            f"{moment(record.updated_at)}  {record.environment_id}  is {record.state}{at_step}\n"
        )
        sys.stdout.flush()

    def _print(self, environment_id: str, event: Event) -> None:
        sys.stdout.write(f"{moment(event.at)}  {environment_id}  {sentence(event)}\n")
        sys.stdout.flush()


class JsonDisplay(LineDisplay):
    """A JSON document a line, one for each event."""

    def join(self, update: Update) -> None:
        print_json("status", lines=True, environment=described(update.record))

    def _print(self, environment_id: str, event: Event) -> None:
        print_json("event", lines=True, environment=environment_id, event=plain(event))


def sentence(event: Event) -> str:
    """What an event says, in a few words on one line."""
    match event.type:
        case "step":
            words = [event.step, event.state]
            if event.seconds is not None:
                words.append(f"in {duration(event.seconds)}")
        case "resource":
            words = [event.resource, event.state, *event.ids]
        case "double":
            words = ["double of", event.resource, event.state, *event.ids]
        case "instance":
            words = [event.state, *event.ids]
        case "failure" if event.state == FailureCategory.CANCELLED:
            words = [event.state]
        case "failure":
            words = [f"failed at {event.step}" if event.step else "failed"]
        case "state":
            words = ["is", event.state]
        case "accepted":
            words = [event.state]
        case _:
            words = [event.type, event.state]
    told = " ".join(word for word in words if word)
    return clean(f"{told}: {event.message}" if event.message else told)
