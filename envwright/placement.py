"""Where a launch went, if it is not where it was to go first."""

from pydantic import Field

from envwright.value import Value


class Placement(Value):
    """Where a launch is to go instead, since AWS had no capacity where it was to go before."""

    zone: str
    type: str
    instead_of: tuple[str, ...] = Field(
        description="What was tried before, in order, with the code that AWS answered."
    )

    def __str__(self) -> str:
        return (
            f"It is launched as {self.type} in {self.zone}, since AWS had no capacity for "
            f"{', '.join(self.instead_of)}."
        )
