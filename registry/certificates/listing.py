"""Finding certificates: pages of what somebody may see, and the history of one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true
from sqlalchemy.orm import Session

from registry.access.domain import Reach, Tenant
from registry.anchoring.domain import WriteState
from registry.anchoring.models import LeafRow, LedgerWriteRow, WriteStepRow
from registry.bodies.models import BodyRow
from registry.certificates.domain import State, StatusAct
from registry.certificates.models import (
    ApprovalRow,
    CertificateRow,
    IssuedTokenRow,
    ReleaseStatementRow,
    StatusOrderRow,
)
from verifier.core.field_policy import DocumentKind

MAX_PAGE: Final = 200
_TOLD: Final[Mapping[WriteState, str]] = {
    WriteState.SEALED: "sealed",
    WriteState.SENT: "sent",
    WriteState.PUBLISHED: "anchored",
    WriteState.QUARANTINED: "quarantined",
    WriteState.ABANDONED: "abandoned",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which certificates are asked for; None asks for all.

    Attributes:
        state: Where they stand.
        body: Id of the issuing body.
        kind: Certificate or record.
        number: Beginning of the number.
        revoked: Whether a revocation was ordered.
    """

    state: State | None = None
    body: bytes | None = None
    kind: DocumentKind | None = None
    number: str | None = None
    revoked: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A certificate in a list.

    Attributes:
        row: The stored certificate.
        party: Party of its body.
        leaf: Leaf of its token, None before it is signed.
        revoked: Whether its revocation was ordered.
    """

    row: CertificateRow
    party: str
    leaf: bytes | None
    revoked: bool

    @property
    def tenant(self) -> Tenant:
        """On whose behalf something is done with it."""
        return Tenant.of_body(self.row.body_id, party=self.party)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: time and id of its last certificate."""

    created_at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to a certificate.

    Attributes:
        at: When.
        code: What, in `docs/http.md`: imported, approved, signed, sealed, sent, anchored, …
        by: Who did it, "" for the machine.
        detail: Reason, destination or block; "" without.
    """

    at: datetime
    code: str
    by: str = ""
    detail: str = ""


def page_of(
    session: Session, reach: Reach, wanted: Wanted, *, after: Place | None, limit: int
) -> list[Listed]:
    """Return certificates within `reach`, the newest first."""
    statement = _listed().where(within(reach), *_conditions(wanted))
    if after is not None:
        statement = statement.where(
            or_(
                CertificateRow.created_at < after.created_at,
                and_(CertificateRow.created_at == after.created_at, CertificateRow.id > after.id),
            )
        )
    ordered = statement.order_by(CertificateRow.created_at.desc(), CertificateRow.id)
    return [
        Listed(row=row, party=party, leaf=leaf, revoked=revoked)
        for row, party, leaf, revoked in session.execute(ordered.limit(min(limit, MAX_PAGE)))
    ]


def ending(
    session: Session, reach: Reach, *, since: datetime, until: datetime, limit: int
) -> list[Listed]:
    """Return issued certificates in force whose validity ends on [since, until), the soonest first.

    Args:
        session: A transaction.
        reach: Tenants.
        since: Begin of the time.
        until: End of it.
        limit: At most so many.
    """
    statement = _listed().where(
        within(reach),
        CertificateRow.valid_until >= since,
        CertificateRow.valid_until < until,
        CertificateRow.state == State.SIGNED,
        ~_revoked(),
    )
    ordered = statement.order_by(CertificateRow.valid_until, CertificateRow.id)
    return [
        Listed(row=row, party=party, leaf=leaf, revoked=revoked)
        for row, party, leaf, revoked in session.execute(ordered.limit(limit))
    ]


def find(session: Session, identifiers: Collection[str]) -> list[Listed]:
    """Return the certificates with these ids, whoever asks, in the order of the ids."""
    rows = session.execute(_listed().where(CertificateRow.id.in_(list(identifiers))))
    found = {
        row.id: Listed(row=row, party=party, leaf=leaf, revoked=revoked)
        for row, party, leaf, revoked in rows
    }
    return [found[identifier] for identifier in identifiers if identifier in found]


def tenants_of(session: Session, identifiers: Collection[str]) -> set[Tenant]:
    """Return on whose behalf these certificates were made; fewer where some do not exist."""
    statement = (
        select(BodyRow.id, BodyRow.party_id)
        .join(CertificateRow, CertificateRow.body_id == BodyRow.id)
        .where(CertificateRow.id.in_(list(identifiers)))
        .distinct()
    )
    return {Tenant.of_body(body, party=party) for body, party in session.execute(statement)}


def within(reach: Reach) -> ColumnElement[bool]:
    """Return the condition that the body of a certificate is in the tenants of `reach`."""
    if reach.everywhere:
        return true()
    if not reach.parties and not reach.bodies:
        return false()
    return or_(BodyRow.party_id.in_(sorted(reach.parties)), BodyRow.id.in_(sorted(reach.bodies)))


def releases_of(session: Session, certificate_id: str) -> list[ReleaseStatementRow]:
    """Return the release statements of a certificate, the oldest first."""
    statement = select(ReleaseStatementRow).where(
        ReleaseStatementRow.certificate_id == certificate_id
    )
    return list(session.scalars(statement.order_by(ReleaseStatementRow.issued_at)))


def orders_of(session: Session, certificate_id: str) -> list[StatusOrderRow]:
    """Return the status orders for a certificate, the oldest first."""
    statement = select(StatusOrderRow).where(StatusOrderRow.certificate_id == certificate_id)
    return list(session.scalars(statement.order_by(StatusOrderRow.id)))


def history_of(session: Session, certificate: Listed) -> list[Happening]:
    """Return what happened to a certificate, the oldest first."""
    row = certificate.row
    found = [Happening(at=row.created_at, code="imported", by=row.maker)]
    approval = session.get(ApprovalRow, row.id)
    if approval is not None:
        found.append(Happening(at=approval.approved_at, code="approved", by=approval.approver))
    issued = session.get(IssuedTokenRow, row.id)
    if issued is not None:
        found.append(Happening(at=issued.issued_at, code="signed"))
        found += _anchored(session, issued.leaf)
    found += [
        Happening(
            at=release.issued_at,
            code="released",
            by=release.requested_by,
            detail=release.destination,
        )
        for release in releases_of(session, row.id)
    ]
    for order in orders_of(session, row.id):
        found.append(
            Happening(
                at=order.ordered_at,
                code=order.act.value,
                by=order.ordered_by,
                detail=order.reason.name.lower(),
            )
        )
        found += _on_chain(session, order)
    return sorted(found, key=lambda each: each.at)


def amendments_of(session: Session, certificate_id: str) -> list[CertificateRow]:
    """Return the certificate that replaces this one; none, or one in whatever state."""
    statement = select(CertificateRow).where(CertificateRow.replaces_id == certificate_id)
    return list(session.scalars(statement))


def _anchored(session: Session, leaf: bytes) -> list[Happening]:
    """Return how the batch of a leaf went: put together, sent, stopped, and when it stood."""
    statement = (
        select(
            WriteStepRow.at, WriteStepRow.state, LedgerWriteRow.effective_at, LedgerWriteRow.block
        )
        .join(LedgerWriteRow, LedgerWriteRow.id == WriteStepRow.write_id)
        .join(LeafRow, LeafRow.batch_id == WriteStepRow.write_id)
        .where(LeafRow.leaf == leaf, WriteStepRow.state.in_(_TOLD))
        .order_by(WriteStepRow.version)
    )
    found = []
    for at, state, effective_at, block in session.execute(statement):
        if state is WriteState.PUBLISHED and effective_at is not None:
            found.append(Happening(at=effective_at, code="anchored", detail=str(block)))
        else:
            found.append(Happening(at=at, code=_TOLD[state]))
    return found


def _on_chain(session: Session, order: StatusOrderRow) -> list[Happening]:
    """Return when an order came to stand on chain; nothing before it is final."""
    write = None
    if order.ledger_write_id is not None:
        write = session.get(LedgerWriteRow, order.ledger_write_id)
    if write is None or write.state is not WriteState.PUBLISHED or write.effective_at is None:
        return []
    code = f"{order.act.value}_on_chain"
    return [Happening(at=write.effective_at, code=code, detail=str(write.block))]


def _listed() -> Select[CertificateRow, str, bytes | None, bool]:
    return (
        select(CertificateRow, BodyRow.party_id, IssuedTokenRow.leaf, _revoked())
        .join(BodyRow, BodyRow.id == CertificateRow.body_id)
        .outerjoin(IssuedTokenRow, IssuedTokenRow.certificate_id == CertificateRow.id)
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(CertificateRow.state == wanted.state)
    if wanted.body is not None:
        conditions.append(CertificateRow.body_id == wanted.body)
    if wanted.kind is not None:
        conditions.append(CertificateRow.kind == wanted.kind)
    if wanted.number:
        conditions.append(CertificateRow.number.istartswith(wanted.number, autoescape=True))
    if wanted.revoked is not None:
        conditions.append(_revoked() if wanted.revoked else ~_revoked())
    return conditions


def _revoked() -> ColumnElement[bool]:
    return (
        exists()
        .where(
            StatusOrderRow.certificate_id == CertificateRow.id,
            StatusOrderRow.act == StatusAct.REVOKE,
        )
        .correlate(CertificateRow)
    )
