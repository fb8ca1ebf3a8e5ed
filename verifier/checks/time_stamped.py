"""Is the leaf under a root that is anchored in a final block, and do the dates agree with it?"""

from __future__ import annotations

from verifier.checks.codes import answer, unknown
from verifier.checks.evidence import (
    CLOCK_TOLERANCE_SECONDS,
    GRACE_SECONDS,
    Anchored,
    Anchoring,
    Claims,
    SignedToken,
    Trust,
    WrongProof,
    is_fresh,
)
from verifier.checks.facts import Unavailable
from verifier.checks.finding import Finding, Line, Status
from verifier.checks.signed import presumed_pending
from verifier.core.moments import format_utc

_USABLE = frozenset({Status.PASS, Status.NOTE})


def check_time_stamped(
    token: SignedToken,
    claims: Claims,
    anchoring: Anchoring,
    *,
    trust: Trust | Unavailable,
    signed: Finding,
    moment: int,
) -> Finding:
    """Judge the anchoring of a token and the dates that it claims.

    The time of the anchor is the only one that is proven. A claim earlier than that is shown as a
    claim; one later than the anchor by more than the tolerance of clocks cannot be true. Of a
    claimed date the end is taken that accuses nobody wrongly.

    Args:
        token: The signature as presented.
        claims: What the document says.
        anchoring: What is known about its leaf as of `moment`.
        trust: The checker's decisions.
        signed: Finding of the line `signed` for the same moment; an unanchored token is pending
            only while its key is usable.
        moment: The moment of the question, Unix seconds.
    """
    if isinstance(anchoring, WrongProof):
        return answer(Line.TIME_STAMPED, "wrong_proof", reason=anchoring.reason)
    if isinstance(trust, Unavailable):
        return unknown(Line.TIME_STAMPED, trust)
    if isinstance(anchoring, Anchored):
        return _anchored(token, claims, anchoring.facts.time, trust)
    pending = not isinstance(anchoring, Unavailable) or presumed_pending(token, anchoring, moment)
    if isinstance(anchoring, Unavailable) and not pending:
        return unknown(Line.TIME_STAMPED, anchoring)
    return _not_anchored(token, claims, trust, signed, moment)


def _anchored(token: SignedToken, claims: Claims, anchored_at: int, trust: Trust) -> Finding:
    data = {
        "anchored_at": format_utc(anchored_at),
        "signed_at": format_utc(token.issued_at),
        "claimed_issue": format_utc(claims.claimed_issue.earliest),
    }
    latest_claim = max(token.issued_at, claims.claimed_issue.earliest)
    if latest_claim > anchored_at + CLOCK_TOLERANCE_SECONDS:
        return answer(Line.TIME_STAMPED, "dated_after_anchor", **data)
    notes = [
        *(["demonstration_chain"] if trust.demonstration else []),
        *(["anchored_late"] if anchored_at > token.issued_at + GRACE_SECONDS else []),
        *(
            ["issue_date_claimed"]
            if claims.claimed_issue.latest < anchored_at - GRACE_SECONDS
            else []
        ),
    ]
    if notes:
        return answer(Line.TIME_STAMPED, notes[0], notes=notes, **data)
    return answer(Line.TIME_STAMPED, "ok", **data)


def _not_anchored(
    token: SignedToken, claims: Claims, trust: Trust, signed: Finding, moment: int
) -> Finding:
    data = {
        "signed_at": format_utc(token.issued_at),
        "claimed_issue": format_utc(claims.claimed_issue.earliest),
    }
    latest_claim = max(token.issued_at, claims.claimed_issue.earliest)
    if latest_claim > moment + CLOCK_TOLERANCE_SECONDS:
        # A signing time in the future would stay "pending" until it comes.
        return answer(Line.TIME_STAMPED, "signing_time_ahead", **data)
    if not is_fresh(token.issued_at, moment):
        return answer(Line.TIME_STAMPED, "anchor_overdue", **data)
    if signed.status not in _USABLE:
        return answer(Line.TIME_STAMPED, "not_checked", because=Line.SIGNED.value)
    notes = [
        "pending",
        *(["demonstration_chain"] if trust.demonstration else []),
        *(["issue_date_claimed"] if claims.claimed_issue.latest < moment - GRACE_SECONDS else []),
    ]
    return answer(Line.TIME_STAMPED, "pending", notes=notes, **data)
