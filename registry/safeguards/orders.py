"""Revoking, suspending, resuming: few certificates alone, many only with a second person.

The limit counts the orders of one kind for a body within a day, whoever gave them, so that neither
splitting a pile nor taking turns gets past it. Amendments, which two people made, do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, exists, insert, not_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry.access.domain import Reach
from registry.audit.service import body_tenant, record
from registry.bodies.models import BodyRow
from registry.bodies.repository import lock_body
from registry.certificates.domain import State, StatusAct
from registry.certificates.errors import MakerIsApproverError, WrongStateError
from registry.certificates.listing import within
from registry.certificates.models import CertificateRow
from registry.certificates.service import get_certificates
from registry.certificates.status_orders import is_revoked, order_status
from registry.kit.actor import Actor
from registry.kit.identifiers import new_id
from registry.safeguards.domain import ALONE, MAX_AT_ONCE, MAX_REMARK
from registry.safeguards.errors import (
    SecondApproverNeededError,
    StatusRequestDecidedError,
    StatusRequestNotFoundError,
    UnusableStatusRequestError,
)
from registry.safeguards.models import (
    BulkRevocationApprovalRow,
    BulkRevocationItemRow,
    BulkRevocationRefusalRow,
    BulkRevocationRow,
)
from verifier.checks.facts import RevocationReason


class Decision(StrEnum):
    """What became of a request."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest:
    """A request to change the status of many certificates.

    Attributes:
        id: Its id.
        act: What is asked for.
        reason: Why, as the contract records it.
        remark: Why, for people.
        requester: Who asked.
        requester_person: Under which that person is known.
        requested_at: When.
        certificates: Ids of the certificates.
        decision: What became of it.
        decided_by: Who approved or refused it, None while it waits.
        decided_at: When, None while it waits.
        answer: What was said to a refusal.
    """

    id: str
    act: StatusAct
    reason: RevocationReason
    remark: str
    requester: str
    requester_person: str
    requested_at: datetime
    certificates: tuple[str, ...]
    decision: Decision
    decided_by: str | None
    decided_at: datetime | None
    answer: str


def order_few(
    session: Session,
    identifiers: Sequence[str],
    act: StatusAct,
    *,
    reason: RevocationReason,
    actor: Actor,
    at: datetime,
) -> None:
    """Order a change of the status of a few certificates, all of them or none.

    Raises:
        CertificateNotFoundError: One of them does not exist.
        WrongStateError: One of them was never signed.
        AlreadyRevokedError: One of them is revoked already.
        SecondApproverNeededError: A body would have more than `ALONE` of this kind within a day.
    """
    rows = _signed(session, identifiers)
    for count in Counter(row.body_id for row in rows).values():
        if count > ALONE:
            raise SecondApproverNeededError(_needed(count))
    for body in sorted({row.body_id for row in rows}):
        lock_body(session, body)  # others that order for it would count without these
    try:
        with session.begin_nested():
            for row in rows:
                order_status(session, row.id, act, reason=reason, actor=actor, at=at)
    except IntegrityError as error:
        raise SecondApproverNeededError(_needed(len(rows))) from error
    for row in rows:
        _record(session, f"certificate.{act}", row, actor=actor, at=at, reason=reason)


def request_orders(
    session: Session,
    identifiers: Sequence[str],
    act: StatusAct = StatusAct.REVOKE,
    *,
    reason: RevocationReason,
    remark: str,
    actor: Actor,
    at: datetime,
) -> str:
    """Ask for a change of the status of certificates, to be approved by a second person.

    Returns:
        The id of the request.

    Raises:
        CertificateNotFoundError: One of them does not exist.
        WrongStateError: One of them was never signed.
        UnusableStatusRequestError: There are none or too many, or the remark is too long.
    """
    if not 0 < len(set(identifiers)) <= MAX_AT_ONCE or len(remark) > MAX_REMARK:
        raise UnusableStatusRequestError(
            f"a request names 1 to {MAX_AT_ONCE} certificates, its remark has at most "
            f"{MAX_REMARK} characters"
        )
    rows = _signed(session, list(dict.fromkeys(identifiers)))
    request = BulkRevocationRow(
        id=new_id(),
        act=act,
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
        _record(session, f"certificate.request_{act}", row, actor=actor, at=at, reason=reason)
    return request.id


def approve_request(session: Session, request_id: str, *, approver: Actor, at: datetime) -> int:
    """Approve a request and give its orders.

    Certificates that were revoked meanwhile are passed over.

    Returns:
        How many orders were given.

    Raises:
        StatusRequestNotFoundError: There is no such request.
        StatusRequestDecidedError: It was approved or refused already.
        MakerIsApproverError: The approver asked for it himself.
    """
    request = _undecided(session, request_id)
    if approver.is_same_person(Actor(request.requester, key=request.requester_person)):
        raise MakerIsApproverError(
            f"{request.requester} asked for this himself; another person must approve it"
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
        raise _decided(request_id) from error
    ordered = 0
    for row in get_certificates(session, _items(session, request_id), for_update=True):
        if is_revoked(session, row.id):
            continue
        order_status(session, row.id, request.act, reason=request.reason, actor=approver, at=at)
        _record(
            session, f"certificate.{request.act}", row, actor=approver, at=at, reason=request.reason
        )
        ordered += 1
    return ordered


def refuse_request(
    session: Session, request_id: str, *, remark: str, refuser: Actor, at: datetime
) -> None:
    """Decide that a request is not carried out; who asked for it takes it back in the same way.

    Raises:
        StatusRequestNotFoundError: There is no such request.
        StatusRequestDecidedError: It was approved or refused already.
        UnusableStatusRequestError: The remark is too long.
    """
    if len(remark) > MAX_REMARK:
        raise UnusableStatusRequestError(f"a remark has at most {MAX_REMARK} characters")
    request = _undecided(session, request_id)
    try:
        with session.begin_nested():
            session.add(
                BulkRevocationRefusalRow(
                    request_id=request_id,
                    refuser=refuser.name,
                    refuser_person=refuser.person,
                    remark=remark,
                    refused_at=at,
                )
            )
    except IntegrityError as error:
        raise _decided(request_id) from error
    for row in get_certificates(session, _items(session, request_id)):
        action = f"certificate.refuse_{request.act}"
        _record(session, action, row, actor=refuser, at=at, reason=request.reason)


def open_requests(session: Session, reach: Reach | None = None) -> list[StatusRequest]:
    """Return the requests that wait for a decision, the oldest first.

    Args:
        session: A transaction.
        reach: Only those of which every certificate is in these tenants; None for all of them.
    """
    statement = select(BulkRevocationRow).where(
        BulkRevocationRow.id.not_in(select(BulkRevocationApprovalRow.request_id)),
        BulkRevocationRow.id.not_in(select(BulkRevocationRefusalRow.request_id)),
        *_reached(reach),
    )
    ordered = statement.order_by(BulkRevocationRow.requested_at, BulkRevocationRow.id)
    return [_described(session, row) for row in session.scalars(ordered)]


def recent_requests(session: Session, reach: Reach, *, limit: int) -> list[StatusRequest]:
    """Return requests of which every certificate is in some tenants, the newest first."""
    statement = select(BulkRevocationRow).where(*_reached(reach))
    ordered = statement.order_by(BulkRevocationRow.requested_at.desc(), BulkRevocationRow.id)
    return [_described(session, row) for row in session.scalars(ordered.limit(limit))]


def get_request(session: Session, request_id: str) -> StatusRequest:
    """Return a request.

    Raises:
        StatusRequestNotFoundError: There is no such request.
    """
    row = session.get(BulkRevocationRow, request_id)
    if row is None:
        raise StatusRequestNotFoundError(f"there is no request {request_id}")
    return _described(session, row)


def _undecided(session: Session, request_id: str) -> BulkRevocationRow:
    """Lock a request that waits for a decision."""
    request = session.get(BulkRevocationRow, request_id, with_for_update=True)
    if request is None:
        raise StatusRequestNotFoundError(f"there is no request {request_id}")
    for decision in (BulkRevocationApprovalRow, BulkRevocationRefusalRow):
        if session.get(decision, request_id) is not None:
            raise _decided(request_id)
    return request


def _decided(request_id: str) -> StatusRequestDecidedError:
    return StatusRequestDecidedError(f"request {request_id} was decided already")


def _reached(reach: Reach | None) -> list[ColumnElement[bool]]:
    if reach is None or reach.everywhere:
        return []
    foreign = (
        exists()
        .where(
            BulkRevocationItemRow.request_id == BulkRevocationRow.id,
            CertificateRow.id == BulkRevocationItemRow.certificate_id,
            BodyRow.id == CertificateRow.body_id,
            not_(within(reach)),
        )
        .correlate(BulkRevocationRow)
    )
    return [~foreign]


def _described(session: Session, row: BulkRevocationRow) -> StatusRequest:
    approval = session.get(BulkRevocationApprovalRow, row.id)
    refusal = session.get(BulkRevocationRefusalRow, row.id)
    decision, by, when = Decision.OPEN, None, None
    if approval is not None:
        decision, by, when = Decision.APPROVED, approval.approver, approval.approved_at
    elif refusal is not None:
        decision, by, when = Decision.REFUSED, refusal.refuser, refusal.refused_at
    return StatusRequest(
        id=row.id,
        act=row.act,
        reason=row.reason,
        remark=row.remark,
        requester=row.requester,
        requester_person=row.requester_person,
        requested_at=row.requested_at,
        certificates=tuple(_items(session, row.id)),
        decision=decision,
        decided_by=by,
        decided_at=when,
        answer="" if refusal is None else refusal.remark,
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
            raise WrongStateError(f"{row.number} is {row.state}, only signed ones have a status")
    return rows


def _needed(count: int) -> str:
    return (
        f"{count} more would be over {ALONE} of one body within a day; "
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
