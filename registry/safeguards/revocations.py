"""Revoking: few certificates alone, many only with a second person.

The limit counts the revocations of a body within a day, whoever ordered them, so that neither
splitting a pile nor taking turns gets past it. Amendments, which two people made, do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry.audit.service import body_tenant, record
from registry.certificates.domain import State, StatusAct
from registry.certificates.errors import MakerIsApproverError, WrongStateError
from registry.certificates.models import CertificateRow
from registry.certificates.service import get_certificates
from registry.certificates.status_orders import is_revoked, order_status
from registry.kit.actor import Actor
from registry.kit.identifiers import new_id
from registry.safeguards.domain import ALONE, MAX_AT_ONCE, MAX_REMARK
from registry.safeguards.errors import (
    RevocationRequestDecidedError,
    RevocationRequestNotFoundError,
    SecondApproverNeededError,
    UnusableRevocationRequestError,
)
from registry.safeguards.models import (
    BulkRevocationApprovalRow,
    BulkRevocationItemRow,
    BulkRevocationRow,
)
from verifier.checks.facts import RevocationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRevocation:
    """A request to revoke many certificates.

    Attributes:
        id: Its id.
        reason: Why, as the contract records it.
        remark: Why, for people.
        requester: Who asked.
        requested_at: When.
        certificates: Ids of the certificates.
        approver: Who approved it, None while it waits.
    """

    id: str
    reason: RevocationReason
    remark: str
    requester: str
    requested_at: datetime
    certificates: tuple[str, ...]
    approver: str | None


def revoke(
    session: Session,
    identifiers: Sequence[str],
    *,
    reason: RevocationReason,
    actor: Actor,
    at: datetime,
) -> None:
    """Order the revocation of a few certificates, all of them or none.

    Raises:
        CertificateNotFoundError: One of them does not exist.
        WrongStateError: One of them was never signed.
        AlreadyRevokedError: One of them is revoked already.
        SecondApproverNeededError: A body would have more than `ALONE` within a day.
    """
    rows = _signed(session, identifiers)
    for count in Counter(row.body_id for row in rows).values():
        if count > ALONE:
            raise SecondApproverNeededError(_needed(count))
    try:
        with session.begin_nested():
            for row in rows:
                order_status(session, row.id, StatusAct.REVOKE, reason=reason, actor=actor, at=at)
    except IntegrityError as error:
        raise SecondApproverNeededError(_needed(len(rows))) from error
    for row in rows:
        _record(session, "certificate.revoke", row, actor=actor, at=at, reason=reason)


def request_revocations(
    session: Session,
    identifiers: Sequence[str],
    *,
    reason: RevocationReason,
    remark: str,
    actor: Actor,
    at: datetime,
) -> str:
    """Ask for the revocation of certificates, to be approved by a second person.

    Returns:
        The id of the request.

    Raises:
        CertificateNotFoundError: One of them does not exist.
        WrongStateError: One of them was never signed.
        UnusableRevocationRequestError: There are none or too many, or the remark is too long.
    """
    if not 0 < len(set(identifiers)) <= MAX_AT_ONCE or len(remark) > MAX_REMARK:
        raise UnusableRevocationRequestError(
            f"a request names 1 to {MAX_AT_ONCE} certificates, its remark has at most "
            f"{MAX_REMARK} characters"
        )
    rows = _signed(session, list(dict.fromkeys(identifiers)))
    request = BulkRevocationRow(
        id=new_id(),
        reason=reason,
        remark=remark,
        requester=actor.name,
        requester_person=actor.person,
        requested_at=at,
    )
    session.add(request)
    session.flush()
    items = [{"request_id": request.id, "certificate_id": row.id} for row in rows]
    session.execute(insert(BulkRevocationItemRow), items)
    for row in rows:
        _record(session, "certificate.request_revocation", row, actor=actor, at=at, reason=reason)
    return request.id


def approve_revocations(session: Session, request_id: str, *, approver: Actor, at: datetime) -> int:
    """Approve a request and order its revocations.

    Certificates that were revoked meanwhile are passed over.

    Returns:
        How many revocations were ordered.

    Raises:
        RevocationRequestNotFoundError: There is no such request.
        RevocationRequestDecidedError: It was approved already.
        MakerIsApproverError: The approver asked for it himself.
    """
    request = session.get(BulkRevocationRow, request_id, with_for_update=True)
    if request is None:
        raise RevocationRequestNotFoundError(f"there is no request {request_id}")
    if session.get(BulkRevocationApprovalRow, request_id) is not None:
        raise RevocationRequestDecidedError(f"request {request_id} was approved already")
    if approver.is_same_person(Actor(request.requester, key=request.requester_person)):
        raise MakerIsApproverError(
            f"{request.requester} asked for these revocations; another person must approve them"
        )
    try:
        with session.begin_nested():
            session.add(
                BulkRevocationApprovalRow(
                    request_id=request_id,
                    requester_person=request.requester_person,
                    approver=approver.name,
                    approver_person=approver.person,
                    approved_at=at,
                )
            )
    except IntegrityError as error:
        raise RevocationRequestDecidedError(f"request {request_id} was approved already") from error
    ordered = 0
    for row in get_certificates(session, _items(session, request_id), for_update=True):
        if is_revoked(session, row.id):
            continue
        order_status(
            session, row.id, StatusAct.REVOKE, reason=request.reason, actor=approver, at=at
        )
        _record(session, "certificate.revoke", row, actor=approver, at=at, reason=request.reason)
        ordered += 1
    return ordered


def open_requests(session: Session) -> list[BulkRevocation]:
    """Return the requests that wait for approval, the oldest first."""
    statement = (
        select(BulkRevocationRow)
        .where(BulkRevocationRow.id.not_in(select(BulkRevocationApprovalRow.request_id)))
        .order_by(BulkRevocationRow.requested_at, BulkRevocationRow.id)
    )
    return [_described(session, row) for row in session.scalars(statement)]


def get_request(session: Session, request_id: str) -> BulkRevocation:
    """Return a request.

    Raises:
        RevocationRequestNotFoundError: There is no such request.
    """
    row = session.get(BulkRevocationRow, request_id)
    if row is None:
        raise RevocationRequestNotFoundError(f"there is no request {request_id}")
    return _described(session, row)


def _described(session: Session, row: BulkRevocationRow) -> BulkRevocation:
    approval = session.get(BulkRevocationApprovalRow, row.id)
    return BulkRevocation(
        id=row.id,
        reason=row.reason,
        remark=row.remark,
        requester=row.requester,
        requested_at=row.requested_at,
        certificates=tuple(_items(session, row.id)),
        approver=None if approval is None else approval.approver,
    )


def _items(session: Session, request_id: str) -> list[str]:
    statement = select(BulkRevocationItemRow.certificate_id).where(
        BulkRevocationItemRow.request_id == request_id
    )
    return list(session.scalars(statement.order_by(BulkRevocationItemRow.certificate_id)))


def _signed(session: Session, identifiers: Sequence[str]) -> list[CertificateRow]:
    rows = get_certificates(session, list(identifiers), for_update=True)
    for row in rows:
        if row.state is not State.SIGNED:
            raise WrongStateError(f"{row.number} is {row.state}, only signed ones are revoked")
    return rows


def _needed(count: int) -> str:
    return (
        f"{count} more revocations would be over {ALONE} of one body within a day; "
        "ask for them, and let a second person approve"
    )


def _record(
    session: Session,
    action: str,
    row: CertificateRow,
    *,
    actor: Actor,
    at: datetime,
    reason: RevocationReason,
) -> None:
    record(
        session,
        action,
        actor=actor,
        object_=f"certificate:{row.id}",
        tenant=body_tenant(row.body_id),
        at=at,
        details={"reason": reason.name.lower()},
    )
