"""Stored certificates: the statements of the domain and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from sqlalchemy import Select, select, tuple_, update
from sqlalchemy.orm import Session

from registry.certificates.domain import Draft, State
from registry.certificates.models import ApprovalRow, CertificateRow, IssuedTokenRow
from registry.kit.actor import Actor
from registry.kit.bulk_insert import insert_rows
from registry.kit.chunks import chunks

_IN_ONE_STATEMENT: Final = 500  # far below the number of parameters that any database takes

Key = tuple[bytes, str, int]


@dataclass(frozen=True, slots=True)
class Stored:
    """What an import needs to know of a certificate that is there already."""

    id: str
    document_sha256: bytes


@dataclass(frozen=True, slots=True)
class Outline:
    """A certificate without its document; the members are columns of its row."""

    id: str
    body_id: bytes
    number: str
    state: State
    document_sha256: bytes
    maker: str
    maker_person: str


_OUTLINE: Final = tuple(getattr(CertificateRow, each.name) for each in fields(Outline))


def document_digest(document: bytes) -> bytes:
    """Return the SHA-256 by which an approval names the document."""
    return hashlib.sha256(document).digest()


def stored_by_key(session: Session, keys: Sequence[Key]) -> dict[Key, Stored]:
    """Return the certificates that have one of these bodies, numbers and revisions."""
    columns = (CertificateRow.body_id, CertificateRow.number, CertificateRow.revision)
    found: dict[Key, Stored] = {}
    for part in chunks(keys, _IN_ONE_STATEMENT):
        statement = select(*columns, CertificateRow.id, CertificateRow.document_sha256)
        for body, number, revision, identifier, digest in session.execute(
            statement.where(tuple_(*columns).in_(part))
        ):
            found[body, number, revision] = Stored(identifier, digest)
    return found


def revisions_of(
    session: Session, body: bytes, number: str
) -> list[tuple[CertificateRow, bytes | None]]:
    """Return the revisions of a certificate, the newest first, each with its leaf once signed."""
    statement = (
        select(CertificateRow, IssuedTokenRow.leaf)
        .outerjoin(IssuedTokenRow, IssuedTokenRow.certificate_id == CertificateRow.id)
        .where(CertificateRow.body_id == body, CertificateRow.number == number)
        .order_by(CertificateRow.revision.desc())
    )
    return [(row, leaf) for row, leaf in session.execute(statement)]


def insert_drafts(
    session: Session,
    drafts: Iterable[tuple[str, Draft, str | None]],
    *,
    maker: Actor,
    at: datetime,
) -> None:
    """Store drafts, each with its id and that of the certificate it replaces."""
    rows = [
        {
            "id": identifier,
            "body_id": draft.body,
            "kind": draft.kind,
            "number": draft.number,
            "revision": draft.revision,
            "replaces_id": replaces,
            "demonstration": draft.demonstration,
            "state": State.DRAFT,
            "document": draft.document.decode(),
            "document_sha256": document_digest(draft.document),
            "maker": maker.name,
            "maker_person": maker.person,
            "created_at": at,
            "valid_until": draft.valid_until,
        }
        for identifier, draft, replaces in drafts
    ]
    insert_rows(session, CertificateRow, rows)


def outlines(
    session: Session, identifiers: Sequence[str], *, for_update: bool = False
) -> list[Outline]:
    """Return the outlines of the certificates with these ids, in the order of the ids."""
    found: dict[str, Outline] = {}
    for part in chunks(identifiers, _IN_ONE_STATEMENT):
        statement = select(*_OUTLINE).where(CertificateRow.id.in_(part))
        if for_update:
            statement = statement.order_by(CertificateRow.id).with_for_update()
        found |= {row[0]: Outline(*row) for row in session.execute(statement)}
    return [found[identifier] for identifier in identifiers if identifier in found]


def certificates(
    session: Session, identifiers: Sequence[str], *, for_update: bool = False
) -> list[CertificateRow]:
    """Return the certificates with these ids, in the order of the ids."""
    rows: dict[str, CertificateRow] = {}
    for part in chunks(identifiers, _IN_ONE_STATEMENT):
        statement: Select[CertificateRow] = select(CertificateRow).where(
            CertificateRow.id.in_(part)
        )
        if for_update:
            statement = statement.order_by(CertificateRow.id).with_for_update()
        rows |= {row.id: row for row in session.scalars(statement)}
    return [rows[identifier] for identifier in identifiers if identifier in rows]


def ids_in_state(session: Session, state: State) -> list[str]:
    """Return the ids of every certificate in a state, in the order of their making."""
    statement = select(CertificateRow.id).where(CertificateRow.state == state)
    return list(session.scalars(statement.order_by(CertificateRow.created_at, CertificateRow.id)))


def insert_approvals(
    session: Session, rows: Sequence[Outline], *, approver: Actor, at: datetime
) -> None:
    """Store the approval of each of these documents as they are now."""
    approvals = [
        {
            "certificate_id": row.id,
            "maker_person": row.maker_person,
            "document_sha256": row.document_sha256,
            "approver": approver.name,
            "approver_person": approver.person,
            "approved_at": at,
        }
        for row in rows
    ]
    insert_rows(session, ApprovalRow, approvals)


def set_state(
    session: Session,
    identifiers: Sequence[str],
    *,
    before: State,
    after: State,
    document: str | None = None,
) -> int:
    """Move certificates from one state to another; return how many were in the first.

    Args:
        session: A writing transaction.
        identifiers: The certificates.
        before: Where they are.
        after: Where they go.
        document: What their document becomes; None leaves it as it is.
    """
    values = {"state": after} if document is None else {"state": after, "document": document}
    moved = 0
    for part in chunks(identifiers, _IN_ONE_STATEMENT):
        statement = (
            update(CertificateRow)
            .where(CertificateRow.id.in_(part), CertificateRow.state == before)
            .values(values)
            .returning(CertificateRow.id)
        )
        moved += len(session.scalars(statement).all())
    return moved


def approvals_of(session: Session, identifiers: Sequence[str]) -> dict[str, ApprovalRow]:
    """Return the approvals of these certificates by id."""
    found: dict[str, ApprovalRow] = {}
    for part in chunks(identifiers, _IN_ONE_STATEMENT):
        statement = select(ApprovalRow).where(ApprovalRow.certificate_id.in_(part))
        found |= {row.certificate_id: row for row in session.scalars(statement)}
    return found


def signed_ids(session: Session) -> list[str]:
    """Return the ids of every signed certificate, in the order of their numbers."""
    statement = (
        select(CertificateRow.id)
        .join(IssuedTokenRow, IssuedTokenRow.certificate_id == CertificateRow.id)
        .order_by(CertificateRow.number, CertificateRow.revision)
    )
    return list(session.scalars(statement))
