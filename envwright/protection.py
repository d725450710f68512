"""Termination protection: which instances have it by their spec, and which run may lift it."""

from envwright.errors import NotAllowed
from envwright.record import Record, ResourceState, Run, RunKind
from envwright.spec import InstanceGroup
from envwright.states import State
from envwright.targets import group_of, is_of_instances


def protected_groups(seen: Record) -> list[str]:
    """The groups with instances that the spec has protected."""
    groups = seen.spec.instances if seen.spec else {}
    protected = {
        name
        for key, resource in seen.resources.items()
        if is_of_instances(key) and resource.state is not ResourceState.GONE
        if _is_protected(groups.get(name := group_of(key, seen.identity.region)))
    }
    return sorted(protected)


def refuse_protected(seen: Record) -> None:
    """Raises `NotAllowed` where there are instances that the spec has protected."""
    protected = protected_groups(seen)
    if protected:
        raise NotAllowed(
            f"{seen.environment_id} has instances that are protected from termination (of "
            f"{', '.join(protected)}), and nothing was begun: `envwright down --force "
            f"{seen.environment_id}` lifts that, and takes it down."
        )


def is_lifted(record: Record, run: Run, key: str) -> bool:
    """Whether this run lifts the protection of the instances under this key.

    What was never ready was handed to nobody: there it lifts what the spec itself has asked for,
    and so does a run that builds, of what exists twice.
    """
    if run.force:
        return True
    groups = record.spec.instances if record.spec else {}
    group = groups.get(group_of(key, record.identity.region))
    is_unfinished = run.kind is RunKind.PROVISION or run.goal is State.CLEANED
    return is_unfinished and _is_protected(group)


def _is_protected(group: InstanceGroup | None) -> bool:
    return group is not None and group.termination_protection
