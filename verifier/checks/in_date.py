"""Is the moment of the check inside the validity of the document?"""

from __future__ import annotations

from verifier.checks.codes import answer
from verifier.checks.evidence import CLOCK_TOLERANCE_SECONDS, Claims
from verifier.checks.facts import Head, Unavailable
from verifier.checks.finding import Finding, Line
from verifier.core.moments import format_utc


def check_in_date(
    claims: Claims, *, moment: int, checked_at: int, head: Head | Unavailable
) -> Finding:
    """Judge the validity [claimed issue, valid until) at `moment`.

    The beginning has the tolerance of clocks that a claimed issue has against its anchor, so that a
    document is not refused in the minutes in which it was made. The end has none.

    Args:
        claims: What the document says.
        moment: The moment of the question, Unix seconds.
        checked_at: The checker's clock, Unix seconds.
        head: The newest block that the source holds final: a clock that is behind its time cannot
            tell whether a document has expired.
    """
    if isinstance(head, Head) and checked_at + CLOCK_TOLERANCE_SECONDS < head.time:
        return answer(
            Line.IN_DATE,
            "clock_behind",
            clock=format_utc(checked_at),
            block_time=format_utc(head.time),
        )
    data = {"from": format_utc(claims.claimed_issue.earliest)}
    if claims.valid_until is not None:
        data["until"] = format_utc(claims.valid_until)
        if moment >= claims.valid_until:
            return answer(Line.IN_DATE, "expired", **data)
    if moment + CLOCK_TOLERANCE_SECONDS < claims.claimed_issue.earliest:
        return answer(Line.IN_DATE, "not_yet_valid", **data)
    return answer(Line.IN_DATE, "no_expiry" if claims.valid_until is None else "ok", **data)
