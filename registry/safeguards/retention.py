"""Erasing the content of certificates whose period is over; the evidence stays.

What goes: the disclosures with their salts, the document, and the data key of the content in the
object store, of which only ciphertext is left, in every version and backup. What stays: the token,
its leaf, proofs, status, summaries, and the record of the erasure. Copies that holders have still
verify.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from registry.audit.service import body_tenant, record
from registry.certificates.cold_contents import is_here
from registry.certificates.contents import destroy_keys
from registry.certificates.models import (
    CertificateRow,
    CooledContentRow,
    DisclosuresRow,
    IssuedTokenRow,
)
from registry.certificates.service import get_certificates
from registry.certificates.signed_contents import spread
from registry.kit.actor import Actor
from registry.safeguards.errors import RetentionRunsError
from registry.safeguards.models import ErasureRow

ERASED: Final = "{}"  # what is left of a document


def expired(session: Session, *, issued_before: datetime, limit: int) -> list[str]:
    """Return certificates issued before a moment whose content is still here, the oldest first."""
    statement = (
        select(IssuedTokenRow.certificate_id)
        .where(IssuedTokenRow.issued_at < issued_before, is_here(IssuedTokenRow.certificate_id))
        .order_by(IssuedTokenRow.issued_at, IssuedTokenRow.certificate_id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def erase(
    session: Session,
    identifiers: Sequence[str],
    *,
    issued_before: datetime,
    ground: str,
    actor: Actor,
    at: datetime,
) -> None:
    """Erase the content of certificates, all of them or none. This cannot be undone.

    Args:
        session: A writing transaction.
        identifiers: At most some hundred certificates.
        issued_before: End of the period: what was issued later is never erased.
        ground: The rule that ends the period, for the record.
        actor: Who erases.
        at: When.

    Raises:
        CertificateNotFoundError: One of them does not exist.
        RetentionRunsError: One of them was issued later, or never.
        ObjectStoreUnavailableError: One of them is cold, and its token, which stays, cannot be
            read; nothing was erased.
    """
    rows = get_certificates(session, identifiers, for_update=True)
    statement = select(IssuedTokenRow).where(IssuedTokenRow.certificate_id.in_(list(identifiers)))
    issued = {token.certificate_id: token.issued_at for token in session.scalars(statement)}
    for row in rows:
        if row.id not in issued or issued[row.id] >= issued_before:
            raise RetentionRunsError(f"the content of {row.number} is kept for longer")
    known = set(
        session.scalars(
            select(ErasureRow.certificate_id).where(ErasureRow.certificate_id.in_(identifiers))
        )
    )
    waiting = [row for row in rows if row.id not in known]
    _erase(session, waiting, ground=ground, actor=actor, at=at)


def erasure_of(session: Session, certificate_id: str) -> ErasureRow | None:
    """Return the record of an erasure, None where the content is still here."""
    return session.get(ErasureRow, certificate_id)


def _erase(
    session: Session, rows: Sequence[CertificateRow], *, ground: str, actor: Actor, at: datetime
) -> None:
    session.add_all(
        ErasureRow(
            certificate_id=row.id,
            ground=ground,
            erased_by=actor.name,
            erased_person=actor.person,
            erased_at=at,
        )
        for row in rows
    )
    session.flush()  # the tables demand the record before the deletion
    identifiers = [row.id for row in rows]
    spread(session, identifiers)
    session.execute(delete(DisclosuresRow).where(DisclosuresRow.certificate_id.in_(identifiers)))
    session.execute(
        delete(CooledContentRow).where(CooledContentRow.certificate_id.in_(identifiers))
    )
    destroy_keys(session, identifiers)  # after the disclosures: whoever makes keys locks those
    session.execute(
        update(CertificateRow).where(CertificateRow.id.in_(identifiers)).values(document=ERASED)
    )
    for row in rows:
        record(
            session,
            "certificate.erase",
            actor=actor,
            object_=f"certificate:{row.id}",
            tenant=body_tenant(row.body_id),
            at=at,
            details={"sha256": row.document_sha256.hex()},
        )
