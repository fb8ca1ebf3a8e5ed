"""The steps of an evaluation, written down only when somebody wants to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from standards_catalog.conformity.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was taken.

    Attributes:
        number: Number of the step in docs/conformity.md.
        check: Stable name of what was looked at.
        data: What was found, numbers as decimal strings.
        outcome: The answer, if this step gave it.
    """

    number: int
    check: str
    data: Mapping[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None

    def to_json(self) -> dict[str, object]:
        """Return the step as plain data."""
        return {
            "step": self.number,
            "check": self.check,
            "data": dict(self.data),
            "outcome": self.outcome.value if self.outcome else None,
        }


class Trace:
    """Collects steps."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, number: int, check: str, outcome: Outcome | None = None, **data: object) -> None:
        """Write down one step; None values are left out."""
        shown = {name: str(value) for name, value in data.items() if value is not None}
        self.steps.append(Step(number, check, shown, outcome))
