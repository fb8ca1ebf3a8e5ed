"""Orders to revoke, suspend and resume; the ledger carries them out in its own time.

An order is stored here at once and gathered with others into a ledger write later, so that nobody
waits for the chain and neighbouring status bits share a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.audit.service import body_tenant, record
from registry.certificates.domain import State, StatusAct
from registry.certificates.errors import AlreadyRevokedError, WrongStateError
from registry.certificates.models import CertificateRow, StatusEntryRow, StatusOrderRow
from registry.certificates.service import get_certificates
from registry.kit.actor import Actor
from verifier.checks.facts import RevocationReason
from verifier.core.ids import StatusEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOrder:
    """An order that no ledger write carries yet.

    Attributes:
        id: Number of the order.
        body: Id of the issuing body, whose status list it is.
        status: Position of the certificate.
        act: What is to be done.
        reason: Why, as the contract records it.
    """

    id: int
    body: bytes
    status: StatusEntry
    act: StatusAct
    reason: RevocationReason


def order_status(
    session: Session,
    certificate_id: str,
    act: StatusAct,
    *,
    reason: RevocationReason,
    actor: Actor,
    at: datetime,
) -> None:
    """Order a change of the status of a signed certificate.

    Raises:
        CertificateNotFoundError: There is no such certificate.
        WrongStateError: It was never signed; there is nothing that could be revoked.
        AlreadyRevokedError: It is revoked already; nothing follows a revocation.
    """
    [row] = get_certificates(session, [certificate_id], for_update=True)
    if row.state is not State.SIGNED:
        raise WrongStateError(f"{row.number} is {row.state}, only signed ones have a status")
    if is_revoked(session, certificate_id):
        raise AlreadyRevokedError(f"{row.number} is revoked already")
    _insert(session, row, act, reason=reason, actor=actor, at=at)


def order_superseded(session: Session, certificate_id: str, *, actor: Actor, at: datetime) -> None:
    """Order the revocation of a certificate that a newer one replaces, unless it is revoked."""
    if not is_revoked(session, certificate_id):
        [row] = get_certificates(session, [certificate_id])
        reason = RevocationReason.SUPERSEDED
        _insert(session, row, StatusAct.REVOKE, reason=reason, actor=actor, at=at)


def is_revoked(session: Session, certificate_id: str) -> bool:
    """Tell whether the revocation of a certificate was ordered."""
    statement = select(StatusOrderRow.id).where(
        StatusOrderRow.certificate_id == certificate_id, StatusOrderRow.act == StatusAct.REVOKE
    )
    return session.scalar(statement) is not None


def pending_orders(session: Session, *, limit: int) -> list[PendingOrder]:
    """Return the oldest orders that no ledger write carries yet; for update."""
    statement = (
        select(StatusOrderRow, StatusEntryRow)
        .join(StatusEntryRow, StatusEntryRow.certificate_id == StatusOrderRow.certificate_id)
        .where(StatusOrderRow.ledger_write_id.is_(None))
        .order_by(StatusOrderRow.id)
        .limit(limit)
        .with_for_update(of=StatusOrderRow)
    )
    return [
        PendingOrder(
            id=order.id,
            body=entry.body_id,
            status=StatusEntry(list_number=entry.list_number, index=entry.position),
            act=order.act,
            reason=order.reason,
        )
        for order, entry in session.execute(statement)
    ]


def assign_orders(session: Session, orders: Sequence[int], *, ledger_write_id: int) -> None:
    """Note which ledger write carries these orders; a note is never changed."""
    statement = update(StatusOrderRow).where(StatusOrderRow.id.in_(orders))
    session.execute(statement.values(ledger_write_id=ledger_write_id))


def _insert(
    session: Session,
    certificate: CertificateRow,
    act: StatusAct,
    *,
    reason: RevocationReason,
    actor: Actor,
    at: datetime,
) -> None:
    session.add(
        StatusOrderRow(
            certificate_id=certificate.id,
            act=act,
            reason=reason,
            ordered_by=actor.name,
            ordered_at=at,
            ledger_write_id=None,
        )
    )
    session.flush()
    record(
        session,
        f"status.{act}",
        actor=actor,
        object_=f"certificate:{certificate.id}",
        tenant=body_tenant(certificate.body_id),
        at=at,
        details={"reason": reason.name.lower()},
    )
