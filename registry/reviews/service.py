"""Returning drafts with remarks, handing them in again, discarding them; withdrawing approvals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from registry.audit.service import body_tenant, record
from registry.certificates.domain import State
from registry.certificates.errors import MakerIsApproverError, WrongStateError
from registry.certificates.models import ApprovalRow, CertificateRow, StatusEntryRow
from registry.certificates.repository import set_state
from registry.kit.actor import Actor
from registry.reviews.domain import ReviewAct
from registry.reviews.errors import DraftReturnedError, NotTheMakerError, RemarksMissingError
from registry.reviews.models import DraftReviewRow, WithdrawnApprovalRow

MAX_REMARKS: Final = 2000


def return_draft(
    session: Session, row: CertificateRow, *, remarks: str, actor: Actor, at: datetime
) -> None:
    """Send a draft back to its maker.

    Raises:
        WrongStateError: It is no draft any more.
        DraftReturnedError: It was returned already.
        MakerIsApproverError: The maker would return it to himself; he discards it instead.
        RemarksMissingError: It is not said what is wrong.
    """
    _check_draft(row)
    if actor.is_same_person(_maker(row)):
        raise MakerIsApproverError(f"{row.number} was made by {row.maker}")
    _check_remarks(remarks)
    check_not_returned(session, [row.id])
    _store(session, row, ReviewAct.RETURN, remarks=remarks, actor=actor, at=at)


def submit_again(
    session: Session, row: CertificateRow, *, remarks: str, actor: Actor, at: datetime
) -> None:
    """Hand a returned draft in again, as it is, with an answer to the remarks.

    Raises:
        WrongStateError: It is no draft any more, or was not returned.
        NotTheMakerError: Somebody else made it.
        RemarksMissingError: The answer is too long.
    """
    _check_draft(row)
    _check_maker(row, actor)
    if len(remarks) > MAX_REMARKS:
        raise RemarksMissingError(f"an answer has at most {MAX_REMARKS} characters")
    if row.id not in returned(session, [row.id]):
        raise WrongStateError(f"{row.number} waits for approval already")
    _store(session, row, ReviewAct.SUBMIT, remarks=remarks, actor=actor, at=at)


def withdraw_approval(
    session: Session, row: CertificateRow, *, remarks: str, actor: Actor, at: datetime
) -> None:
    """Take the approval of a certificate back that is not signed yet, and return it to its maker.

    Once it is signed it is out in the world: then it is revoked, or amended.

    Raises:
        WrongStateError: It is not approved, or signed already.
        RemarksMissingError: It is not said what is wrong.
    """
    if row.state is not State.APPROVED:
        raise WrongStateError(f"{row.number} is {row.state}; only an unsigned approval goes back")
    _check_remarks(remarks)
    approval = session.get_one(ApprovalRow, row.id)
    session.add(
        WithdrawnApprovalRow(
            certificate_id=row.id,
            document_sha256=approval.document_sha256,
            approver=approval.approver,
            approver_person=approval.approver_person,
            approved_at=approval.approved_at,
            withdrawn_by=actor.name,
            withdrawn_person=actor.person,
            withdrawn_at=at,
            remarks=remarks,
        )
    )
    session.flush()  # the tables demand the record before the deletion
    session.delete(approval)
    session.flush()
    set_state(session, [row.id], before=State.APPROVED, after=State.DRAFT)
    _record(session, "certificate.withdraw", row, actor=actor, at=at)
    _store(session, row, ReviewAct.RETURN, remarks=remarks, actor=actor, at=at)


def withdrawals_of(session: Session, certificate_id: str) -> list[WithdrawnApprovalRow]:
    """Return the withdrawn approvals of one certificate, the oldest first."""
    statement = select(WithdrawnApprovalRow).where(
        WithdrawnApprovalRow.certificate_id == certificate_id
    )
    return list(session.scalars(statement.order_by(WithdrawnApprovalRow.id)))


def discard(session: Session, row: CertificateRow, *, actor: Actor, at: datetime) -> None:
    """Delete a draft; its number can be used again.

    Raises:
        WrongStateError: It is no draft any more.
        NotTheMakerError: Somebody else made it.
    """
    _check_draft(row)
    _check_maker(row, actor)
    # A position of the status list that a failed signing reserved; it is never drawn again.
    session.execute(delete(StatusEntryRow).where(StatusEntryRow.certificate_id == row.id))
    session.delete(row)
    session.flush()
    _record(session, "certificate.discard", row, actor=actor, at=at)


def check_not_returned(session: Session, identifiers: Sequence[str]) -> None:
    """Refuse drafts that were returned and not handed in again.

    Raises:
        DraftReturnedError: One of them was.
    """
    if found := returned(session, identifiers):
        raise DraftReturnedError(f"{min(found)} was returned to its maker")


def returned(session: Session, identifiers: Sequence[str]) -> dict[str, DraftReviewRow]:
    """Return the last review of those drafts that were returned and not handed in again."""
    newest = (
        select(func.max(DraftReviewRow.id))
        .where(DraftReviewRow.certificate_id.in_(list(identifiers)))
        .group_by(DraftReviewRow.certificate_id)
    )
    statement = select(DraftReviewRow).where(
        DraftReviewRow.id.in_(newest), DraftReviewRow.act == ReviewAct.RETURN
    )
    return {row.certificate_id: row for row in session.scalars(statement)}


def reviews_of(session: Session, certificate_id: str) -> list[DraftReviewRow]:
    """Return everything said about one draft, the oldest first."""
    statement = select(DraftReviewRow).where(DraftReviewRow.certificate_id == certificate_id)
    return list(session.scalars(statement.order_by(DraftReviewRow.id)))


def _check_remarks(remarks: str) -> None:
    if not remarks or len(remarks) > MAX_REMARKS:
        raise RemarksMissingError(f"say what is wrong in 1 to {MAX_REMARKS} characters")


def _check_draft(row: CertificateRow) -> None:
    if row.state is not State.DRAFT:
        raise WrongStateError(f"{row.number} is {row.state}, no draft any more")


def _check_maker(row: CertificateRow, actor: Actor) -> None:
    if not actor.is_same_person(_maker(row)):
        raise NotTheMakerError(f"{row.number} was made by {row.maker}")


def _maker(row: CertificateRow) -> Actor:
    return Actor(row.maker, key=row.maker_person)


def _store(
    session: Session,
    row: CertificateRow,
    act: ReviewAct,
    *,
    remarks: str,
    actor: Actor,
    at: datetime,
) -> None:
    session.add(
        DraftReviewRow(
            certificate_id=row.id,
            act=act,
            remarks=remarks,
            person_name=actor.name,
            person=actor.person,
            at=at,
        )
    )
    session.flush()
    _record(session, f"certificate.{act}", row, actor=actor, at=at)


def _record(
    session: Session, action: str, row: CertificateRow, *, actor: Actor, at: datetime
) -> None:
    record(
        session,
        action,
        actor=actor,
        object_=f"certificate:{row.id}",
        tenant=body_tenant(row.body_id),
        at=at,
        details={"sha256": row.document_sha256.hex()},
    )
