"""Find what AWS holds and no record names, and write the records that were lost.

recovery = Recovery(client.settings)
found = recovery.look(Place(region="eu-west-1"), timeout=60)
ids = [recovery.recover(one) for one in found.lost]

A worker does the looking, by tags (`envwright.survey`). Written is only what is certain: which
resources there are, and where. What was wished for is lost, so all that can be done with such an
environment is to see it and to take it down.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from envwright.errors import StoreCorrupt
from envwright.names import CLEANUP_STEPS, RECORD_FORMAT, lost_id
from envwright.new_run import new_run
from envwright.questions import Questions
from envwright.record import (
    LOOKUP_FIELD,
    RESOURCE_FIELD,
    Event,
    Record,
    Recovered,
    ResourceRecord,
    ResourceState,
    RunKind,
)
from envwright.recovery_store import RecoveredRecord, RecoveryStore
from envwright.settings import ClientSettings
from envwright.states import State
from envwright.survey import Holding, Place, Stray, Survey


@dataclass(frozen=True, slots=True)
class Lost:
    """An environment that AWS holds something of, and that has no record."""

    place: Place
    own_account: str | None
    holding: Holding


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """What carries the tags of a record at rest, and is not in it: ids by resource key."""

    environment_id: str
    state: State
    resources: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class Findings:
    """What AWS holds in a place and no record names."""

    place: Place
    lost: list[Lost] = field(default_factory=list)
    unrecorded: list[Unrecorded] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    on_record: int = 0
    """How many environments were found whose records are there."""


class Recovery:
    """Asks workers what there is, and compares it with the records.

    Every method raises `StoreUnavailable` when Redis does not answer.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._questions = Questions(settings)
        self._store = RecoveryStore(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()
        self._questions.close()

    def look(self, place: Place, timeout: float) -> Findings:
        """What AWS holds in this place and no record names.

        Raises `NotAnswered` when AWS refused the worker, or none answers in `timeout` seconds.
        """
        asked_at = self._store.now()
        survey = self._questions.ask(place, timeout)
        findings = Findings(place, strays=list(survey.strays))
        for holding in survey.holdings:
            self._judge(findings, survey, holding, asked_at)
        return findings

    def recover(self, lost: Lost) -> str | None:
        """Write the record of a lost environment, and return its id; None if it is there already.

        Where its own id belongs to another record by now, it gets one that names both.
        """
        holding = lost.holding
        for environment_id in _ids_of(holding):
            if self._store.recover(_record_of(lost, environment_id, self._store.now())):
                return environment_id
            (there,) = self._store.read_each([environment_id])
            if isinstance(there, Record) and there.uid == holding.uid:
                break
        return None

    def _judge(self, findings: Findings, survey: Survey, holding: Holding, asked_at: float) -> None:
        """Put a holding where it belongs among the findings."""
        records = self._store.read_each(_ids_of(holding))
        readable = [one for one in records if isinstance(one, Record)]
        own = next((one for one in readable if one.uid == holding.uid), None)
        if not _is_of_region(holding, findings.place.region):
            findings.strays += _strays(holding, f"{holding.environment_id} is of another region")
        elif own is not None:
            findings.on_record += 1
            # Of a run that is under way, or was meanwhile, the record comes after the resource.
            if own.at_rest and own.updated_at < asked_at and (unknown := _unknown_to(own, holding)):
                findings.unrecorded.append(Unrecorded(own.environment_id, own.state, unknown))
        elif corrupt := next((one for one in records if isinstance(one, StoreCorrupt)), None):
            findings.strays += _strays(holding, str(corrupt))
        else:
            findings.lost.append(Lost(findings.place, survey.own_account, holding))


def _ids_of(holding: Holding) -> list[str]:
    """The ids under which the record of this holding can be."""
    return [holding.environment_id, lost_id(holding.environment_id, holding.uid)]


def _is_of_region(holding: Holding, region: str) -> bool:
    return holding.environment_id.split(".")[1:2] == [region]


def _strays(holding: Holding, why: str) -> Iterable[Stray]:
    return (Stray(id=one, why=why) for ids in holding.resources.values() for one in ids)


def _unknown_to(record: Record, holding: Holding) -> dict[str, tuple[str, ...]]:
    """What of the holding the record does not name as existing."""
    known = {
        one
        for resource in record.resources.values()
        if resource.state is not ResourceState.GONE
        for one in resource.ids
    }
    unknown = {
        key: tuple(one for one in ids if one not in known) for key, ids in holding.resources.items()
    }
    return {key: ids for key, ids in unknown.items() if ids}


def _record_of(lost: Lost, environment_id: str, now: float) -> RecoveredRecord:
    """The record of what is certain: which resources exist, and where."""
    run = new_run(RunKind.RECOVERY, "recover", State.RECOVERED, now, limit=0)
    resources = {
        key: ResourceRecord(state=ResourceState.CREATED, ids=ids, count=len(ids), at=now)
        for key, ids in lost.holding.resources.items()
    }
    identity = Recovered(
        name=lost.holding.environment_id.split(".")[0],
        region=lost.place.region,
        account=lost.place.account,
    )
    fields = {
        "format": str(RECORD_FORMAT),
        "uid": lost.holding.uid,
        "recovered": identity.model_dump_json(),
        "created_at": f"{now:.3f}",
        "updated_at": f"{now:.3f}",
        "state": str(State.RECOVERED),
        "step": str(CLEANUP_STEPS[0]),
        "run": run.model_dump_json(),
        "run_id": run.id,
    }
    fields |= {f"{RESOURCE_FIELD}{key}": one.model_dump_json() for key, one in resources.items()}
    if lost.own_account is not None:
        fields[f"{LOOKUP_FIELD}account"] = f'"{lost.own_account}"'
    found = [
        Event(type="resource", run=run.id, resource=key, state=one.state, ids=one.ids)
        for key, one in resources.items()
    ]
    state = Event(type="state", run=run.id, state=State.RECOVERED)
    return RecoveredRecord(environment_id, fields, [state, *found])
