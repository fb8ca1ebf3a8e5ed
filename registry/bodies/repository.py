"""Stored bodies, scope documents and public keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from registry.bodies.domain import Body, BodyKey, ScopeDocument
from registry.bodies.models import BodyKeyRow, BodyRow, ScopeDocumentRow
from registry.kit.texts import dump_texts, load_texts
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import PublicKey


def insert_body(session: Session, body: Body, *, recorded_by: str, recorded_at: datetime) -> None:
    """Store a new body."""
    session.add(
        BodyRow(
            id=body.id,
            alias=body.alias,
            party_id=body.party,
            kind=body.kind,
            did=body.did,
            country=body.country,
            name=dump_texts(body.name),
            identifiers=dump_texts(body.identifiers),
            demonstration=body.demonstration,
            recorded_at=recorded_at,
            recorded_by=recorded_by,
            on_chain_since=None,
        )
    )
    session.flush()


def find_bodies(
    session: Session, *, ids: Iterable[bytes] = (), aliases: Iterable[str] = ()
) -> list[BodyRow]:
    """Return the bodies that have one of these ids or aliases."""
    named = or_(BodyRow.id.in_(list(ids)), BodyRow.alias.in_(list(aliases)))
    return list(session.scalars(select(BodyRow).where(named)))


def all_bodies(session: Session) -> list[BodyRow]:
    """Return every body in the order of their aliases."""
    return list(session.scalars(select(BodyRow).order_by(BodyRow.alias)))


def lock_body(session: Session, body: bytes) -> None:
    """Make other transactions that lock the body wait for the end of this one."""
    session.execute(select(BodyRow.id).where(BodyRow.id == body).with_for_update())


def body_of(row: BodyRow) -> Body:
    """Return the body of a row."""
    return Body(
        alias=row.alias,
        party=row.party_id,
        kind=row.kind,
        did=row.did,
        country=row.country,
        name=load_texts(row.name),
        identifiers=load_texts(row.identifiers),
        demonstration=row.demonstration,
    )


def find_scope(session: Session, sha256: bytes) -> ScopeDocumentRow | None:
    """Return a scope document by its hash."""
    return session.get(ScopeDocumentRow, sha256)


def scopes_of(session: Session, body: bytes) -> list[ScopeDocumentRow]:
    """Return every scope document of a body, the oldest record first."""
    ordered = select(ScopeDocumentRow).order_by(
        ScopeDocumentRow.recorded_at, ScopeDocumentRow.sha256
    )
    return list(session.scalars(ordered.where(ScopeDocumentRow.body_id == body)))


def scope_of(row: ScopeDocumentRow) -> ScopeDocument:
    """Return the scope document of a row."""
    return ScopeDocument(
        sha256=row.sha256,
        content=row.content,
        effective_from=row.effective_from,
        effective_until=row.effective_until,
        on_chain_since=row.on_chain_since,
    )


def find_key(session: Session, thumbprint: bytes) -> BodyKeyRow | None:
    """Return a key by its thumbprint."""
    return session.get(BodyKeyRow, thumbprint)


def keys_of(session: Session, body: bytes, purpose: KeyPurpose | None = None) -> list[BodyKeyRow]:
    """Return the keys of a body, for one purpose or all, the newest first."""
    statement = select(BodyKeyRow).where(BodyKeyRow.body_id == body)
    if purpose is not None:
        statement = statement.where(BodyKeyRow.purpose == purpose)
    newest_first = statement.order_by(BodyKeyRow.created_at.desc(), BodyKeyRow.thumbprint)
    return list(session.scalars(newest_first))


def keys_on_chain(session: Session) -> list[BodyKeyRow]:
    """Return every key that the chain knows."""
    statement = select(BodyKeyRow).where(BodyKeyRow.on_chain_since.is_not(None))
    return list(session.scalars(statement.order_by(BodyKeyRow.thumbprint)))


def key_of(row: BodyKeyRow) -> BodyKey:
    """Return the key of a row."""
    return BodyKey(
        body=row.body_id,
        purpose=row.purpose,
        public_key=PublicKey(row.algorithm, row.public_key),
        on_chain_since=row.on_chain_since,
        sign_until=row.sign_until,
        revoked_at=row.revoked_at,
        use_from=row.use_from,
        anchor_until=row.anchor_until,
        compromised_since=row.compromised_since,
        stopped_at=row.stopped_at,
    )
