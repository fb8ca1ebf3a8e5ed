"""Was the body accredited (or designated) for each test, when it was done and when anchored?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeVar

from verifier.checks.codes import answer
from verifier.checks.evidence import (
    Anchored,
    Anchoring,
    Claims,
    Goods,
    NotAnchored,
    ResultClaim,
)
from verifier.checks.facts import BodyFacts, BodyKind, BodyState, BodyStatusFact, ScopeFact
from verifier.checks.finding import Finding, Line
from verifier.checks.scope_document import ScopeDocument, find_scope_document
from verifier.core.errors import MalformedEvidenceError
from verifier.core.field_policy import DocumentKind

_NOTE_ORDER: Final = (
    "demonstration_document",
    "no_claim",
    "scope_not_disclosed",
    "partly_accredited",
    "recorded_later",
)

Record = TypeVar("Record", BodyStatusFact, ScopeFact)


class _Outcome(Enum):
    """What the scope says about one claimed result."""

    COVERED = auto()
    NOT_COVERED = auto()
    NOT_DISCLOSED = auto()
    NO_DOCUMENT = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class _Span:
    """A half-open interval in which the body must have been accredited."""

    start: int
    end: int
    is_test: bool  # the days of the activity; otherwise the moment of the anchor


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything that one judgement needs."""

    claims: Claims
    body: BodyFacts
    spans: tuple[_Span, ...]
    documents: Mapping[bytes, bytes]


def check_accredited(
    claims: Claims,
    body: BodyFacts,
    anchoring: Anchoring,
    *,
    documents: Mapping[bytes, bytes],
    demonstration_profile: bool,
    moment: int,
) -> Finding:
    """Judge every claim of accreditation against what the party recorded about the body.

    At each moment the last recorded entry that covers it governs. Before the first status that was
    recorded the chain says nothing about the state of a body, because an active state cannot be
    back-dated; a scope that reaches back then speaks for it, with the note `recorded_later`. At the
    moment of the anchor an active state must be on record.

    `false_claim` is given only when everything that proves it is in hand. A missing document is
    UNKNOWN, a withheld method a note.

    Args:
        claims: What the document says.
        body: The body of the verified key.
        anchoring: Of the document's leaf, as of `moment`.
        documents: Hash-named documents in hand.
        demonstration_profile: Whether the checker chose a profile for demonstration, in which a
            demonstration document is what it should be.
        moment: The moment of the question; stands in for an anchor that is still to come.
    """
    case = _Case(claims, body, _spans(claims, anchoring, moment), documents)
    out_of_place = claims.demonstration and not demonstration_profile
    notes = {"demonstration_document"} if out_of_place else set()
    if claims.kind is DocumentKind.INSPECTION_RECORD and body.kind is BodyKind.INSPECTION_OFFICE:
        notes |= _recorded_later(case, scopes=False)
        return _state_failure(case) or _noted(notes, "designated_office", claims)

    claimed = [result for result in claims.results if result.accredited]
    if not claimed:
        return _noted(notes | {"no_claim"}, "ok", claims)
    if len(claimed) < len(claims.results):
        notes.add("partly_accredited")
    return _state_failure(case) or _judge_claims(case, claimed, notes)


def _spans(claims: Claims, anchoring: Anchoring, moment: int) -> tuple[_Span, ...]:
    spans = []
    if claims.dates is not None:
        spans.append(_Span(claims.dates.start, claims.dates.end, is_test=True))
    if isinstance(anchoring, Anchored):
        spans.append(_Span(anchoring.facts.time, anchoring.facts.time + 1, is_test=False))
    elif isinstance(anchoring, NotAnchored) or not spans:
        spans.append(_Span(moment, moment + 1, is_test=False))
    return tuple(spans)


def _governing(
    records: Sequence[Record], span: _Span, covers: Callable[[Record, int], bool]
) -> set[Record | None]:
    """Return the records that govern somewhere in the span; None where none does."""
    edges: set[int] = {edge for record in records for edge in _edges(record)}
    instants: set[int] = {span.start, *(edge for edge in edges if span.start < edge < span.end)}
    return {
        next((record for record in reversed(records) if covers(record, instant)), None)
        for instant in instants
    }


def _edges(record: BodyStatusFact | ScopeFact) -> tuple[int, ...]:
    if isinstance(record, ScopeFact) and record.effective_until is not None:
        return (record.effective_from, record.effective_until)
    return (record.effective_from,)


def _statuses_in(body: BodyFacts, span: _Span) -> set[BodyStatusFact | None]:
    return _governing(body.statuses, span, lambda status, at: status.effective_from <= at)


def _scopes_in(body: BodyFacts, span: _Span) -> set[ScopeFact | None]:
    return _governing(
        body.scopes,
        span,
        lambda scope, at: (
            scope.effective_from <= at
            and (scope.effective_until is None or at < scope.effective_until)
        ),
    )


def _state_failure(case: _Case) -> Finding | None:
    """Return the FAIL of a body that was not active when it had to be."""
    states = {
        status.state if status else None: span
        for span in case.spans
        for status in _statuses_in(case.body, span)
        if status or not span.is_test
    }
    for state, code in (
        (BodyState.WITHDRAWN, "body_withdrawn"),
        (BodyState.SUSPENDED, "body_suspended"),
    ):
        if state in states:
            at = "test" if states[state].is_test else "anchor"
            return answer(Line.ACCREDITED, code, at=at)
    if None in states:
        return answer(Line.ACCREDITED, "false_claim", reason="not_active_when_anchored", results=[])
    return None


def _judge_claims(case: _Case, claimed: Iterable[ResultClaim], notes: set[str]) -> Finding:
    outcomes: dict[_Outcome, list[int]] = {outcome: [] for outcome in _Outcome}
    for result in claimed:
        outcomes[_outcome(case, result)].append(result.ordinal)
    for outcome, code in (
        (_Outcome.NOT_COVERED, "false_claim"),
        (_Outcome.UNREADABLE, "scope_unreadable"),
        (_Outcome.NO_DOCUMENT, "scope_not_supplied"),
    ):
        if outcomes[outcome]:
            data = {"reason": "not_in_scope"} if code == "false_claim" else {}
            return answer(Line.ACCREDITED, code, results=outcomes[outcome], **data)
    if outcomes[_Outcome.NOT_DISCLOSED] or case.claims.dates is None:
        notes.add("scope_not_disclosed")
    return _noted(notes | _recorded_later(case, scopes=True), "ok", case.claims)


def _outcome(case: _Case, result: ResultClaim) -> _Outcome:
    """Judge one claim: it must hold in every span under every scope that governs there."""
    found = {
        _under_scope(case, scope, span, result)
        for span in case.spans
        for scope in _scopes_in(case.body, span)
    }
    order = (
        _Outcome.NOT_COVERED,
        _Outcome.UNREADABLE,
        _Outcome.NO_DOCUMENT,
        _Outcome.NOT_DISCLOSED,
    )
    return next((outcome for outcome in order if outcome in found), _Outcome.COVERED)


def _under_scope(
    case: _Case, scope: ScopeFact | None, span: _Span, result: ResultClaim
) -> _Outcome:
    if scope is None:
        return _Outcome.NOT_COVERED  # the chain lists every scope there ever was
    if result.detail is None:
        return _Outcome.NOT_DISCLOSED  # no document could decide it
    try:
        document = find_scope_document(case.documents, scope.document_hash, body=case.body.body_id)
    except MalformedEvidenceError:
        return _Outcome.UNREADABLE
    if document is None:
        return _Outcome.NO_DOCUMENT
    return _under_document(document, span, result, case.claims.goods)


def _under_document(
    document: ScopeDocument, span: _Span, result: ResultClaim, goods: Goods
) -> _Outcome:
    parameter, method = _named(result, "parameter", "code"), _named(result, "method", "standard")
    if parameter is None or method is None:
        return _Outcome.NOT_COVERED  # accreditation is for a method; without one there is none
    rows = [
        row
        for row in document.rows
        if row.covers_test(parameter, method) and row.covers_time(span.start, span.end)
    ]
    if any(row.covers_goods(goods.hs_code, goods.descriptions) for row in rows):
        return _Outcome.COVERED
    if rows and not goods.stated:
        return _Outcome.NOT_DISCLOSED
    return _Outcome.NOT_COVERED


def _named(result: ResultClaim, member: str, name: str) -> str | None:
    holder = (result.detail or {}).get(member)
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, str) else None


def _recorded_later(case: _Case, *, scopes: bool) -> set[str]:
    """Return the note that the party spoke about the test only after it was over."""
    for span in case.spans:
        if not span.is_test:
            continue
        governing: set[BodyStatusFact | ScopeFact | None] = {*_statuses_in(case.body, span)}
        if scopes:
            governing |= _scopes_in(case.body, span)
        if any(record is None or record.recorded_at >= span.end for record in governing):
            return {"recorded_later"}
    return set()


def _noted(notes: set[str], otherwise: str, claims: Claims) -> Finding:
    """Return the note that comes first, with all of them in its data, or `otherwise`."""
    ordered = [note for note in _NOTE_ORDER if note in notes]
    if not ordered:
        return answer(Line.ACCREDITED, otherwise)
    data: dict[str, object] = {"notes": ordered}
    if "partly_accredited" in notes:
        data["not_accredited"] = [
            result.ordinal for result in claims.results if not result.accredited
        ]
    if otherwise != "ok":
        data["basis"] = otherwise
    return answer(Line.ACCREDITED, ordered[0], **data)
