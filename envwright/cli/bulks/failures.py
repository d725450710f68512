"""Why members of a bulk failed: by sorts, so that a thousand of one sort are one thing to mend."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from envwright.bulk import FAILED_MEMBERS, Member
from envwright.cli.output import joined
from envwright.failure import Failure, FailureCategory

_EXAMPLES: Final = 3

TO_DO: Final[Mapping[FailureCategory, str]] = {
    FailureCategory.SPEC: "Correct the specs, take down what is held, and run `envwright bulk` "
    "with all of them again: what is ready stays as it is. A retry fails alike, unless what they "
    "name is there by now.",
    FailureCategory.PERMISSION: "Grant what it names, or mend the role's trust policy; then retry.",
    FailureCategory.QUOTA: "Have the quota raised in Service Quotas, or free some; then retry.",
    FailureCategory.CAPACITY: "Retry later, or use another type or zone.",
    FailureCategory.DEADLINE: "Retry; where the queue was long, with more workers.",
    FailureCategory.BLOCKED: "Remove what is in the way, or wait until it is gone; then retry.",
    FailureCategory.CONFLICT: "Look who changed it; a retry makes what is missing.",
    FailureCategory.CANCELLED: "Nothing: somebody cancelled them. A retry builds them after all.",
    FailureCategory.AWS: "Look at one of them with `envwright status`; then retry.",
    FailureCategory.INTERNAL: "Look into the workers' logs, and report it; then retry.",
}
"""What has to change before a retry can succeed."""


@dataclass(slots=True)
class Sort:
    """Failures of one category and one code of AWS."""

    first: Failure
    count: int
    examples: list[str]

    @property
    def title(self) -> str:
        code = self.first.code or self.first.error_class
        return f"{self.first.category} ({code})" if code else str(self.first.category)

    @property
    def who(self) -> str:
        """Some of the environments by their names, and how many more."""
        more = self.count - len(self.examples)
        return joined([*self.examples, *([f"{more} more"] if more else [])])

    def document(self) -> dict[str, Any]:
        return {
            "category": self.first.category,
            "code": self.first.code,
            "error_class": self.first.error_class,
            "count": self.count,
            "message": self.first.message,
            "examples": self.examples,
            "to_do": TO_DO[self.first.category],
        }


def sorted_out(members: Iterable[Member]) -> list[Sort]:
    """The failures of the members that are at rest after one, the most frequent sort first."""
    sorts: dict[tuple[str, str | None, str | None], Sort] = {}
    for member in members:
        failure = member.failure
        if failure is None or member.state not in FAILED_MEMBERS:
            continue
        sort = sorts.setdefault(
            (failure.category, failure.code, failure.error_class), Sort(failure, 0, [])
        )
        sort.count += 1
        if len(sort.examples) < _EXAMPLES:
            sort.examples.append(member.environment_id)
    return sorted(sorts.values(), key=lambda one: -one.count)
