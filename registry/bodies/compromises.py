"""A key that somebody else may have: one person stops its use, two people revoke it.

Stopping is at once and can be taken back; revoking is for ever. What was anchored before the moment
of the compromise stays valid with a note, what was anchored from then on is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry.audit.service import body_tenant, record
from registry.bodies import repository
from registry.bodies.errors import (
    KeyNotFoundError,
    KeyReportDecidedError,
    KeyReportNotFoundError,
    ReporterDecidesError,
    UnusableKeyReportError,
)
from registry.bodies.models import BodyKeyRow, KeyReportDecisionRow, KeyReportRow
from registry.kit.actor import Actor
from registry.kit.identifiers import new_id

MAX_REMARK: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReport:
    """A report that waits for a second person.

    Attributes:
        id: Its id.
        thumbprint: Of the key, 32 bytes.
        since: Since when the key may have been used by somebody else.
        remark: What is known, in words.
        reporter: Who reported it.
        reported_at: When.
    """

    id: str
    thumbprint: bytes
    since: datetime
    remark: str
    reporter: str
    reported_at: datetime


def report_compromise(
    session: Session,
    thumbprint: bytes,
    *,
    since: datetime,
    remark: str,
    actor: Actor,
    at: datetime,
) -> str:
    """Report a key as compromised and stop its use at once.

    A report about a key that is revoked already can move the moment further back.

    Returns:
        The id of the report.

    Raises:
        KeyNotFoundError: There is no such key.
        UnusableKeyReportError: The moment is in the future or not earlier than the one that is
            recorded, or the remark is too long.
    """
    row = _key(session, thumbprint)
    if since > at or len(remark) > MAX_REMARK:
        raise UnusableKeyReportError(
            f"the moment is not in the future, the remark has at most {MAX_REMARK} characters"
        )
    if row.compromised_since is not None and since >= row.compromised_since:
        raise UnusableKeyReportError(
            "the key is recorded as compromised since that moment or longer"
        )
    report = KeyReportRow(
        id=new_id(),
        thumbprint=thumbprint,
        since=since,
        remark=remark,
        reporter=actor.name,
        reporter_person=actor.person,
        reported_at=at,
    )
    session.add(report)
    if row.stopped_at is None:
        row.stopped_at = at
    session.flush()
    _record(session, "key.report", row, report, actor=actor, at=at)
    return report.id


def decide_report(
    session: Session, report_id: str, *, confirm: bool, actor: Actor, at: datetime
) -> bytes:
    """Confirm a report, which revokes the key, or decline it, which lets the key be used again.

    Returns:
        The thumbprint of the key.

    Raises:
        KeyReportNotFoundError: There is no such report.
        KeyReportDecidedError: It was decided already.
        ReporterDecidesError: The reporter decides himself.
    """
    report = session.get(KeyReportRow, report_id, with_for_update=True)
    if report is None:
        raise KeyReportNotFoundError(f"there is no report {report_id}")
    if actor.is_same_person(Actor(report.reporter, key=report.reporter_person)):
        raise ReporterDecidesError(f"{report.reporter} reported this; another person must decide")
    decision = KeyReportDecisionRow(
        report_id=report_id,
        reporter_person=report.reporter_person,
        decider=actor.name,
        decider_person=actor.person,
        decided_at=at,
        confirmed=confirm,
    )
    try:
        with session.begin_nested():
            session.add(decision)
    except IntegrityError as error:
        raise KeyReportDecidedError(f"report {report_id} was decided already") from error
    row = _key(session, report.thumbprint)
    if confirm:
        row.revoked_at = row.revoked_at or at
        row.compromised_since = min(filter(None, (row.compromised_since, report.since)))
    if not [each for each in waiting_reports(session) if each.thumbprint == row.thumbprint]:
        row.stopped_at = None
    session.flush()
    act = "key.confirm_compromise" if confirm else "key.decline_compromise"
    _record(session, act, row, report, actor=actor, at=at)
    return row.thumbprint


def waiting_reports(session: Session) -> list[KeyReport]:
    """Return the reports that nobody decided, the oldest first."""
    decided = select(KeyReportDecisionRow.report_id)
    statement = select(KeyReportRow).where(KeyReportRow.id.not_in(decided))
    return [
        KeyReport(
            id=row.id,
            thumbprint=row.thumbprint,
            since=row.since,
            remark=row.remark,
            reporter=row.reporter,
            reported_at=row.reported_at,
        )
        for row in session.scalars(statement.order_by(KeyReportRow.reported_at, KeyReportRow.id))
    ]


def _key(session: Session, thumbprint: bytes) -> BodyKeyRow:
    row = repository.find_key(session, thumbprint)
    if row is None:
        raise KeyNotFoundError(f"there is no key {thumbprint.hex()}")
    return row


def _record(
    session: Session,
    action: str,
    key: BodyKeyRow,
    report: KeyReportRow,
    *,
    actor: Actor,
    at: datetime,
) -> None:
    tenant = body_tenant(key.body_id)
    details = {
        "report": report.id,
        "since": report.since.isoformat(),
        "thumbprint": key.thumbprint.hex(),
    }
    record(session, action, actor=actor, object_=tenant, tenant=tenant, at=at, details=details)
