"""Answers all ten lines for one document, now or as of a past moment."""

from __future__ import annotations

from verifier.checks.accredited import check_accredited
from verifier.checks.co_signed import check_co_signed
from verifier.checks.codes import SOURCE_REASONS, TOKEN_REASONS, answer, unknown
from verifier.checks.complete import check_complete
from verifier.checks.evidence import Document, Facts, TokenFacts, Trust, anchoring_as_of
from verifier.checks.facts import Head, Unavailable
from verifier.checks.finding import Finding, Line
from verifier.checks.in_date import check_in_date
from verifier.checks.matches_goods import check_matches_goods
from verifier.checks.not_revoked import (
    check_bundle_age,
    check_not_revoked,
    check_not_revoked_at,
)
from verifier.checks.quantity_available import check_quantity_available
from verifier.checks.recognised import check_recognised
from verifier.checks.signed import check_signed, find_signer, signature_holds
from verifier.checks.time_stamped import check_time_stamped
from verifier.checks.unchanged import check_broken, check_unchanged
from verifier.core.errors import MalformedEvidenceError

Findings = tuple[Finding, ...]


def judge(
    document: Document,
    facts: Facts,
    *,
    checked_at: int,
    country: str | None = None,
    goods_match: bool | None = None,
) -> Findings:
    """Answer the ten lines for now, in the order of the report.

    Now is the checker's clock or the time of the newest final block, whichever is later: what the
    chain holds has happened.

    Args:
        document: The parsed document.
        facts: Everything that could be learnt about it.
        checked_at: The checker's clock, Unix seconds.
        country: Country for which recognition is asked, None for none.
        goods_match: The person's answer about the goods, None while there is none.
    """
    now = max(checked_at, facts.head.time) if isinstance(facts.head, Head) else checked_at
    return (
        *_judge_evidence(document, facts, moment=now, checked_at=checked_at, past=False),
        *_judge_use(document, facts, country, goods_match),
    )


def judge_at(
    document: Document,
    facts: Facts,
    *,
    at: int,
    checked_at: int,
    country: str | None = None,
    goods_match: bool | None = None,
) -> Findings:
    """Answer the ten lines as of a past moment, with what is known today.

    A key that was found out later stays found out; an anchor that came later was none yet; status
    is replayed from the times of its events. The lines about the use of the document have no
    history and are those of today.

    Args:
        document: As for `judge`.
        facts: As for `judge`.
        at: The past moment, Unix seconds.
        checked_at: As for `judge`.
        country: As for `judge`.
        goods_match: As for `judge`.
    """
    return (
        *_judge_evidence(document, facts, moment=at, checked_at=checked_at, past=True),
        *_judge_use(document, facts, country, goods_match),
    )


def judge_broken(
    error: MalformedEvidenceError, *, country: str | None = None, goods_match: bool | None = None
) -> Findings:
    """Answer for an input of our format that breaks it: changed, and nothing else to look at."""
    return _only(check_broken(error), country, goods_match)


def judge_missing(
    reason: Unavailable, *, country: str | None = None, goods_match: bool | None = None
) -> Findings:
    """Answer for a code whose document could not be had."""
    return _only(unknown(Line.UNCHANGED, reason), country, goods_match)


def judge_foreign() -> Findings:
    """Answer for an input that carries nothing of our format: no question applies to it."""
    return tuple(answer(line, "not_ours") for line in Line)


def _judge_evidence(
    document: Document, facts: Facts, *, moment: int, checked_at: int, past: bool
) -> Findings:
    token, claims = document.token, document.claims
    signer_facts = facts.token.signer
    holds = signature_holds(token, signer_facts)
    anchoring = anchoring_as_of(facts.token.anchoring, moment)
    signed = check_signed(token, facts.token, trust=facts.trust, holds=holds, moment=moment)
    if claims.co_signed:
        signed = check_co_signed(signed, facts.co_signatures, trust=facts.trust, moment=moment)
    signer = find_signer(token, signer_facts, trust=facts.trust, holds=holds)
    if isinstance(signer, Finding):
        # Scope and status are those of the verified key's body; without it there are none to ask.
        accredited, not_revoked = (
            _carried(line, signer) for line in (Line.ACCREDITED, Line.NOT_REVOKED)
        )
    else:
        accredited = check_accredited(
            claims,
            signer.body,
            anchoring,
            documents=facts.scope_documents,
            demonstration_profile=isinstance(facts.trust, Trust) and facts.trust.demonstration,
            moment=moment,
        )
        statuses = facts.statuses
        not_revoked = (
            check_not_revoked_at(statuses, moment) if past else check_not_revoked(statuses)
        )
        if facts.from_bundle and isinstance(facts.head, Head):
            not_revoked = check_bundle_age(not_revoked, facts.head, moment)
    return (
        check_unchanged(document, signer_facts, holds=holds),
        check_complete(
            claims, document.view, release_signed=_release_signed(document, facts, moment)
        ),
        signed,
        accredited,
        check_time_stamped(
            token, claims, anchoring, trust=facts.trust, signed=signed, moment=moment
        ),
        not_revoked,
        check_in_date(claims, moment=moment, checked_at=checked_at, head=facts.head),
    )


def _judge_use(
    document: Document, facts: Facts, country: str | None, goods_match: bool | None
) -> Findings:
    return (
        check_recognised(country),
        check_quantity_available(document.claims, facts.registry),
        check_matches_goods(matches=goods_match),
    )


def _release_signed(document: Document, facts: Facts, moment: int) -> Finding | None:
    release = document.view.release if document.view else None
    if release is None or facts.release is None:
        return None
    return check_signed(
        release.token,
        TokenFacts(
            signer=facts.release.signer,
            anchoring=anchoring_as_of(facts.release.anchoring, moment),
        ),
        trust=facts.trust,
        holds=signature_holds(release.token, facts.release.signer),
        moment=moment,
    )


def _only(unchanged: Finding, country: str | None, goods_match: bool | None) -> Findings:
    """Return the findings where there is no document to look at."""
    known = {
        Line.UNCHANGED: unchanged,
        Line.RECOGNISED: check_recognised(country),
        Line.MATCHES_GOODS: check_matches_goods(matches=goods_match),
    }
    return tuple(known.get(line) or _carried(line, unchanged) for line in Line)


def _carried(line: Line, cause: Finding) -> Finding:
    """Return UNKNOWN for a line that could not be looked at because of another finding."""
    if cause.code in (*SOURCE_REASONS, *TOKEN_REASONS):
        return answer(line, cause.code)
    return answer(line, "not_checked", because=cause.line.value)
