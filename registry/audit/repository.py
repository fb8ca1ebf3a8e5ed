"""Stored entries of the audit trail."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.orm import Session

from registry.audit.domain import Entry, Head, Link
from registry.audit.models import HEAD_ID, AnchoredHeadRow, AuditEntryRow, AuditHeadRow
from registry.kit.bulk_insert import insert_rows
from registry.kit.json_bytes import canonical_bytes
from verifier.core.strict_json import parse_json_object

_FETCHED_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are asked for; a member that is None does not matter.

    Attributes:
        tenants: Names of tenants.
        object: What it was done to.
        person: Key of who acted.
        action: Code of the action.
        before: Only entries at a lower place.
    """

    tenants: Collection[str] | None = None
    object: str | None = None
    person: str | None = None
    action: str | None = None
    before: int | None = None


def locked_head(session: Session) -> Head:
    """Return the head; nobody else appends until the transaction ends."""
    row = session.execute(
        select(AuditHeadRow.sequence, AuditHeadRow.hash)
        .where(AuditHeadRow.id == HEAD_ID)
        .with_for_update()
    ).one()
    return Head(sequence=row.sequence, hash=row.hash)


def read_head(session: Session) -> Head:
    """Return the head as the transaction sees it."""
    row = session.execute(select(AuditHeadRow.sequence, AuditHeadRow.hash)).one()
    return Head(sequence=row.sequence, hash=row.hash)


def append(session: Session, links: Sequence[Link]) -> None:
    """Store links and move the head, whose lock the caller holds."""
    insert_rows(session, AuditEntryRow, [_values(link) for link in links])
    session.execute(
        update(AuditHeadRow)
        .where(AuditHeadRow.id == HEAD_ID)
        .values(sequence=links[-1].sequence, hash=links[-1].hash)
    )


def all_links(session: Session) -> Iterator[Link]:
    """Yield every link in the order of their places, a portion at a time."""
    # Columns, not entities: the session would remember every one of millions.
    statement = select(*AuditEntryRow.__table__.columns).order_by(AuditEntryRow.sequence)
    statement = statement.limit(_FETCHED_AT_ONCE)
    rows = session.execute(statement).all()
    while rows:
        yield from map(link_of, rows)
        rows = session.execute(statement.where(AuditEntryRow.sequence > rows[-1].sequence)).all()


def newest(session: Session, asked: Filter, *, limit: int) -> list[Link]:
    """Return the newest matching links, the newest first."""
    row = AuditEntryRow
    conditions: list[ColumnElement[bool]] = []
    if asked.tenants is not None:
        conditions.append(row.tenant.in_(sorted(asked.tenants)))
    if asked.object is not None:
        conditions.append(row.object == asked.object)
    if asked.person is not None:
        conditions.append(row.person == asked.person)
    if asked.action is not None:
        conditions.append(row.action == asked.action)
    if asked.before is not None:
        conditions.append(row.sequence < asked.before)
    statement = select(row).where(*conditions).order_by(row.sequence.desc()).limit(limit)
    return [link_of(found) for found in session.scalars(statement)]


def anchored_hashes(session: Session) -> dict[int, bytes]:
    """Return the hashes of anchored heads by place."""
    statement = select(AnchoredHeadRow.sequence, AnchoredHeadRow.hash)
    return {row.sequence: row.hash for row in session.execute(statement)}


def anchored_heads(session: Session) -> list[AnchoredHeadRow]:
    """Return every head that was queued to be anchored, the oldest first."""
    return list(session.scalars(select(AnchoredHeadRow).order_by(AnchoredHeadRow.day)))


def last_anchored(session: Session) -> tuple[date, int] | None:
    """Return day and place of the newest anchored head."""
    statement = select(AnchoredHeadRow.day, AnchoredHeadRow.sequence)
    row = session.execute(statement.order_by(AnchoredHeadRow.day.desc()).limit(1)).first()
    return None if row is None else (row.day, row.sequence)


def link_of(row: AuditEntryRow | Row[Any]) -> Link:
    """Return the link that a row stores."""
    return Link(
        sequence=row.sequence,
        entry=Entry(
            at=row.at,
            actor=row.actor,
            person=row.person,
            action=row.action,
            object=row.object,
            tenant=row.tenant,
            outcome=row.outcome,
            request_id=row.request_id,
            details=parse_json_object(row.details, what="audit details"),
        ),
        previous=row.previous,
        hash=row.hash,
    )


def _values(link: Link) -> dict[str, object]:
    entry = link.entry
    return {
        "sequence": link.sequence,
        "at": entry.at,
        "actor": entry.actor,
        "person": entry.person,
        "action": entry.action,
        "object": entry.object,
        "tenant": entry.tenant,
        "outcome": entry.outcome,
        "request_id": entry.request_id,
        "details": canonical_bytes(dict(entry.details)).decode(),
        "previous": link.previous,
        "hash": link.hash,
    }
