"""Is the revocation bit clear, and is the document not suspended?"""

from __future__ import annotations

from collections.abc import Iterable

from verifier.checks.codes import answer, unknown
from verifier.checks.evidence import BUNDLE_LIMIT_SECONDS, BUNDLE_NOTE_SECONDS
from verifier.checks.facts import Head, RevocationReason, StatusEvent, StatusFacts, Unavailable
from verifier.checks.finding import Finding, Line, Status
from verifier.core.moments import format_utc


def check_not_revoked(statuses: Iterable[StatusFacts | Unavailable]) -> Finding:
    """Judge the status of a document now.

    Revocation has no end. A suspension ends when whoever set it clears it. What is known to be bad
    counts even if another status could not be read.

    Args:
        statuses: Status of the certificate and of every other leaf on which it depends here.
    """
    given = list(statuses)
    known = [status for status in given if isinstance(status, StatusFacts)]
    for status in known:
        if status.revoked:
            return _revoked(status.events)
    for status in known:
        if status.suspended_by_body or status.suspended_by_party:
            return _suspended(by_party=status.suspended_by_party, events=status.events)
    for fact in given:
        if isinstance(fact, Unavailable):
            return unknown(Line.NOT_REVOKED, fact)
    if not known:
        return answer(Line.NOT_REVOKED, "not_checked", because=Line.SIGNED.value)
    return answer(Line.NOT_REVOKED, "ok")


def check_not_revoked_at(statuses: Iterable[StatusFacts | Unavailable], moment: int) -> Finding:
    """Judge the status of a document at a past moment, from the times of its events.

    A document that is revoked or suspended now without an event that says since when could have
    been so at any moment: the answer is UNKNOWN.
    """
    past: list[StatusFacts | Unavailable] = []
    for status in statuses:
        if isinstance(status, Unavailable):
            past.append(status)
            continue
        if not _explained(status):
            past.append(Unavailable("history_not_supplied"))
            continue
        past.append(_state_at(status, moment))
    return check_not_revoked(past)


def check_bundle_age(finding: Finding, head: Head, moment: int) -> Finding:
    """Return what is left of an answer from a trust bundle when the block was this long ago.

    A bundle hears of nothing after its block. What was revoked by then stays so; that something was
    not is worth less with every day.

    Args:
        finding: Answer of this line from the bundle.
        head: The block of the bundle.
        moment: The moment of the question, Unix seconds.
    """
    if finding.status is not Status.PASS or moment - head.time <= BUNDLE_NOTE_SECONDS:
        return finding
    if moment - head.time > BUNDLE_LIMIT_SECONDS:
        return answer(Line.NOT_REVOKED, "bundle_too_old")
    return answer(Line.NOT_REVOKED, "bundle_not_fresh", as_of=format_utc(head.time))


def _explained(status: StatusFacts) -> bool:
    """Tell whether the events lead to the state that the chain reports now."""
    final = _replay(status.events)
    return (
        final.revoked == status.revoked
        and final.suspended_by_body == status.suspended_by_body
        and final.suspended_by_party == status.suspended_by_party
    )


def _state_at(status: StatusFacts, moment: int) -> StatusFacts:
    return _replay(tuple(event for event in status.events if event.time <= moment))


def _replay(events: tuple[StatusEvent, ...]) -> StatusFacts:
    revoked = by_body = by_party = False
    for event in events:
        if event.kind == "revoked":
            revoked = True
        elif event.by_party:
            by_party = event.kind == "suspended"
        else:
            by_body = event.kind == "suspended"
    return StatusFacts(
        revoked=revoked, suspended_by_body=by_body, suspended_by_party=by_party, events=events
    )


def _revoked(events: tuple[StatusEvent, ...]) -> Finding:
    """Return the FAIL of a revocation: since the first one, for the reason given last.

    A document that was superseded and later found to be a fraud is no longer merely superseded.
    """
    given = [event for event in events if event.kind == "revoked"]
    if not given:
        return answer(Line.NOT_REVOKED, "revoked", reason=None, since=None)
    superseded = all(event.reason == RevocationReason.SUPERSEDED for event in given)
    return answer(
        Line.NOT_REVOKED,
        "superseded" if superseded else "revoked",
        reason=_reason_name(given[-1].reason),
        since=format_utc(given[0].time),
    )


def _suspended(*, by_party: bool, events: tuple[StatusEvent, ...]) -> Finding:
    last = next(
        (e for e in reversed(events) if e.kind == "suspended" and e.by_party == by_party), None
    )
    return answer(
        Line.NOT_REVOKED,
        "suspended",
        by="party" if by_party else "body",
        reason=_reason_name(last.reason) if last else None,
        since=format_utc(last.time) if last else None,
    )


def _reason_name(reason: int) -> str:
    try:
        return RevocationReason(reason).name.lower()
    except ValueError:  # a later contract may know more reasons
        return str(reason)
