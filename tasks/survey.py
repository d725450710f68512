"""Look at all that carries our tags in one region and account, whatever the records say of it."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from envwright.names import TAG_RECORD, TAG_RESOURCE
from envwright.survey import Holding, Stray, Survey
from tasks.aws.tags import MOST_TAGS, Marks, Owner, read_marks
from tasks.kinds import TAGGED
from tasks.resources.base import Tagged, kind_name

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client

_BY_AWS_TYPE: Final[Mapping[str, type[Tagged]]] = {kind.aws_type: kind for kind in TAGGED.values()}


async def look_around(
    ec2: "EC2Client", own_account: str | None, page_size: int = MOST_TAGS
) -> Survey:
    """What exists under our tags, asked for with `page_size` tags a call.

    `own_account` is the account's id, where no role is assumed.
    """
    marked = await read_marks(ec2, page_size=page_size)
    existing = await _existing(ec2, marked)
    holdings: defaultdict[Owner, defaultdict[str, list[str]]] = defaultdict(
        lambda: defaultdict(list)
    )
    strays: list[Stray] = []
    for resource_id, marks in sorted(marked.items()):
        told = marks.told()
        if marks.aws_type in _BY_AWS_TYPE and resource_id not in existing:
            continue
        if told is None or not _is_what_it_says(marks):
            strays.append(Stray(id=resource_id, why=_doubt(marks)))
        else:
            holdings[told[0]][told[1]].append(resource_id)
    return Survey(
        own_account=own_account,
        holdings=tuple(
            Holding(
                environment_id=owner.environment_id,
                uid=owner.uid,
                resources={key: tuple(ids) for key, ids in resources.items()},
            )
            for owner, resources in holdings.items()
        ),
        strays=tuple(strays),
    )


async def _existing(ec2: "EC2Client", marked: Mapping[str, Marks]) -> set[str]:
    """Those that exist: a tag outlives what it was on."""
    by_kind: defaultdict[type[Tagged], list[str]] = defaultdict(list)
    for resource_id, marks in marked.items():
        if (kind := _BY_AWS_TYPE.get(marks.aws_type)) is not None:
            by_kind[kind].append(resource_id)
    found: set[str] = set()
    for kind, ids in by_kind.items():
        found |= set(await kind.existing(ec2, ids))
    return found


def _said_kind(marks: Marks) -> type[Tagged] | None:
    return TAGGED.get(kind_name(marks.key)) if marks.key else None


def _is_what_it_says(marks: Marks) -> bool:
    kind = _said_kind(marks)
    return kind is not None and kind.aws_type == marks.aws_type


def _doubt(marks: Marks) -> str:
    """Why it cannot be told whose it is."""
    if _said_kind(marks) is None:
        return f"{_shown(marks)}: no kind that is known"
    if not _is_what_it_says(marks):
        return f"{_shown(marks)}: AWS says that it is of the type {marks.aws_type}"
    return _shown(marks)


def _shown(marks: Marks) -> str:
    tags = ((TAG_RESOURCE, marks.resource), (TAG_RECORD, marks.record))
    return ", ".join(f"{tag} is {value}" if value else f"no {tag}" for tag, value in tags)
