"""The ten lines of a verdict and what a check says about one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Line(StrEnum):
    """The ten questions of a verdict, in the order in which they are reported."""

    UNCHANGED = "unchanged"
    COMPLETE = "complete"
    SIGNED = "signed"
    ACCREDITED = "accredited"
    TIME_STAMPED = "time_stamped"
    NOT_REVOKED = "not_revoked"
    IN_DATE = "in_date"
    RECOGNISED = "recognised"
    QUANTITY_AVAILABLE = "quantity_available"
    MATCHES_GOODS = "matches_goods"


class Status(StrEnum):
    """Answer to one question. UNKNOWN means that it could not be checked, not that it failed."""

    PASS = "pass"  # noqa: S105  (a status, not a secret)
    NOTE = "note"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Answer to one line for one document.

    Attributes:
        line: The question.
        status: The answer.
        code: Stable name of the reason, listed in docs/error-codes.md.
        data: Facts behind the code as JSON values without floats; never sentences.
    """

    line: Line
    status: Status
    code: str
    data: Mapping[str, object] = field(default_factory=dict)
