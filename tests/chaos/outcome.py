"""What cells and seeds come to, added up."""

from dataclasses import dataclass, field

from tests.chaos.verdict import Verdict


@dataclass
class Outcome:
    """Counts of what was played and of what was found wrong; `played` are cells or seeds."""

    played: int = 0
    environments: int = 0
    calls: int = 0
    troubles: int = 0
    """Everything that befell them at a call of its choice; AWS's own weather is not counted."""
    kills: int = 0
    """Those troubles in which a worker was killed."""
    verdict: Verdict = field(default_factory=Verdict)


class Tally:
    """Adds outcomes up as they come in."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.total = Outcome()

    def add(self, outcome: Outcome) -> None:
        self.total.played += outcome.played
        self.total.environments += outcome.environments
        self.total.calls += outcome.calls
        self.total.troubles += outcome.troubles
        self.total.kills += outcome.kills
        self.total.verdict += outcome.verdict

    def told(self) -> str:
        """All of it in one line."""
        total, found = self.total, self.total.verdict
        return (
            f"{self._what} {total.played}, environments {total.environments}, "
            f"calls {total.calls}, troubles {total.troubles}, kills {total.kills}: "
            f"leaked {len(found.leaked)}, doubled {len(found.doubled)}, "
            f"lost {len(found.lost)}, untrue {len(found.untrue)}"
        )
