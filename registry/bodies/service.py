"""Registering bodies, publishing their scopes, and the public side of their keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from registry.audit.service import body_tenant, record
from registry.bodies import repository
from registry.bodies.domain import (
    Body,
    BodyKey,
    ScopeDocument,
    ScopeRow,
    scope_content,
    scope_interval,
)
from registry.bodies.errors import (
    BodyDiffersError,
    BodyNotFoundError,
    KeyDiffersError,
    NoSigningKeyError,
    UnusableScopeError,
)
from registry.bodies.models import BodyKeyRow, BodyRow, ScopeDocumentRow
from registry.kit.actor import Actor
from registry.parties.service import get_party
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import TOKEN_ALGORITHMS, Algorithm, PublicKey
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.strict_json import JsonValue


@dataclass(frozen=True, slots=True)
class RegisteredBody:
    """A body and the block time since which the chain knows it, None before."""

    body: Body
    on_chain_since: datetime | None


def register_body(session: Session, body: Body, *, actor: Actor, at: datetime) -> None:
    """Record a body; recording the same again changes nothing.

    Raises:
        PartyNotFoundError: Its party is not registered.
        BodyDiffersError: Its alias or id is taken by a body with another content.
    """
    get_party(session, body.party)
    rows = repository.find_bodies(session, ids=[body.id], aliases=[body.alias])
    if not rows:
        repository.insert_body(session, body, recorded_by=actor.name, recorded_at=at)
        _record(session, "body.register", body.id, actor=actor, at=at)
    elif [repository.body_of(row) for row in rows] != [body]:
        raise BodyDiffersError(f"body {body.alias} is registered with another content")


def bodies(session: Session) -> list[RegisteredBody]:
    """Return every body in the order of their aliases."""
    return [_registered(row) for row in repository.all_bodies(session)]


def get_body(session: Session, body_id: bytes) -> RegisteredBody:
    """Return the body with this 32-byte id.

    Raises:
        BodyNotFoundError: There is none.
    """
    for row in repository.find_bodies(session, ids=[body_id]):
        return _registered(row)
    raise BodyNotFoundError(f"there is no body {body_id.hex()}")


def bodies_by_alias(session: Session, aliases: Iterable[str]) -> dict[str, RegisteredBody]:
    """Return the bodies that have these aliases; unknown ones are left out."""
    rows = repository.find_bodies(session, aliases=aliases)
    return {row.alias: _registered(row) for row in rows}


def publish_scope(
    session: Session, body: Body, rows: Sequence[ScopeRow], *, actor: Actor, at: datetime
) -> ScopeDocument:
    """Record the scope document of a body; the same content again changes nothing.

    Raises:
        UnusableScopeError: It is too large, or its interval is empty.
    """
    content = scope_content(body, rows)
    effective_from, effective_until = scope_interval(rows, otherwise=at)
    if len(content) > MAX_DOCUMENT_BYTES:
        raise UnusableScopeError(f"a scope document has at most {MAX_DOCUMENT_BYTES} bytes")
    if effective_until is not None and effective_until <= effective_from:
        raise UnusableScopeError("the scope speaks for no time at all")
    sha256 = hashlib.sha256(content).digest()
    stored = repository.find_scope(session, sha256)
    if stored is None:
        stored = ScopeDocumentRow(
            sha256=sha256,
            body_id=body.id,
            content=content,
            effective_from=effective_from,
            effective_until=effective_until,
            recorded_at=at,
            recorded_by=actor.name,
            on_chain_since=None,
        )
        session.add(stored)
        session.flush()
        details: dict[str, JsonValue] = {"sha256": sha256.hex()}
        _record(session, "scope.publish", body.id, actor=actor, at=at, details=details)
    return repository.scope_of(stored)


def scopes(session: Session, body: bytes) -> list[ScopeDocument]:
    """Return every scope document of a body, the oldest record first."""
    return [repository.scope_of(row) for row in repository.scopes_of(session, body)]


def add_key(
    session: Session,
    public_key: PublicKey,
    *,
    body: bytes,
    purpose: KeyPurpose,
    actor: Actor,
    at: datetime,
    sign_until: datetime | None = None,
    is_next: bool = False,
) -> None:
    """Record the public part of a key; the same again changes nothing.

    Args:
        session: A writing transaction.
        public_key: With its algorithm.
        body: Whose key it is, 32 bytes.
        purpose: The only thing that it may sign.
        actor: Who records it.
        at: When.
        sign_until: Exclusive end of signing, None while open.
        is_next: Whether it waits for a rotation, instead of being used as soon as it is on chain.

    Raises:
        BodyNotFoundError: There is no such body.
        KeyDiffersError: The key is recorded for another body or purpose.
    """
    get_body(session, body)
    row = repository.find_key(session, public_key.thumbprint())
    if row is not None:
        if (row.body_id, row.purpose) != (body, purpose):
            raise KeyDiffersError("the key belongs to another body or purpose")
        return
    session.add(
        BodyKeyRow(
            thumbprint=public_key.thumbprint(),
            body_id=body,
            purpose=purpose,
            algorithm=public_key.algorithm,
            public_key=public_key.raw,
            created_at=at,
            created_by=actor.name,
            sign_until=sign_until,
            on_chain_since=None,
            revoked_at=None,
            use_from=None if is_next else at,
            anchor_until=None,
            compromised_since=None,
            stopped_at=None,
        )
    )
    session.flush()
    details: dict[str, JsonValue] = {
        "purpose": purpose.name.lower(),
        "thumbprint": public_key.thumbprint().hex(),
    }
    _record(session, "key.register", body, actor=actor, at=at, details=details)


def keys(session: Session, body: bytes) -> list[BodyKey]:
    """Return every key of a body, the newest first."""
    return [repository.key_of(row) for row in repository.keys_of(session, body)]


def find_key(session: Session, thumbprint: bytes) -> BodyKey | None:
    """Return the key with this thumbprint, None when there is none."""
    row = repository.find_key(session, thumbprint)
    return None if row is None else repository.key_of(row)


def signing_key(session: Session, body: bytes, purpose: KeyPurpose, *, at: datetime) -> BodyKey:
    """Return the newest key of a body that may sign for `purpose` at `at`.

    Raises:
        NoSigningKeyError: There is none; most often because it is not yet on chain.
    """
    for key in _usable_keys(session, body, purpose, at):
        if key.public_key.algorithm in TOKEN_ALGORITHMS:
            return key
    raise NoSigningKeyError(
        f"body {body.hex()[:12]}… has no key on chain that may sign a {purpose.name.lower()} now"
    )


def co_signing_key(
    session: Session, body: bytes, purpose: KeyPurpose, *, at: datetime
) -> BodyKey | None:
    """Return the newest SM2 key of a body for `purpose` at `at`; None where it does not co-sign."""
    for key in _usable_keys(session, body, purpose, at):
        if key.public_key.algorithm is Algorithm.SM2:
            return key
    return None


def active_keys(session: Session, *, at: datetime) -> list[BodyKey]:
    """Return every key, of all bodies, that may sign at `at`."""
    keys_on_chain = (repository.key_of(row) for row in repository.keys_on_chain(session))
    return [key for key in keys_on_chain if key.may_sign(at)]


def mark_body_on_chain(session: Session, body: bytes, since: datetime) -> None:
    """Note the block time at which the chain recorded a body; the first note stands."""
    _note(session, session.get(BodyRow, body), since)


def mark_scope_on_chain(session: Session, sha256: bytes, since: datetime) -> None:
    """Note the block time at which the chain recorded a scope document; the first note stands."""
    _note(session, repository.find_scope(session, sha256), since)


def mark_key_on_chain(session: Session, thumbprint: bytes, since: datetime) -> None:
    """Note the block time at which the chain recorded a key; the first note stands."""
    _note(session, repository.find_key(session, thumbprint), since)


def _usable_keys(
    session: Session, body: bytes, purpose: KeyPurpose, at: datetime
) -> Iterator[BodyKey]:
    """Yield the keys that may sign now, the one that was put to use last first."""
    found = (repository.key_of(row) for row in repository.keys_of(session, body, purpose))
    usable = [key for key in found if key.may_sign(at)]
    return iter(sorted(usable, key=lambda key: key.use_from or at, reverse=True))


def _note(
    session: Session, row: BodyRow | ScopeDocumentRow | BodyKeyRow | None, since: datetime
) -> None:
    if row is None:
        raise BodyNotFoundError("the chain records something that the database does not know")
    if row.on_chain_since is None:
        row.on_chain_since = since
        session.flush()


def _registered(row: BodyRow) -> RegisteredBody:
    return RegisteredBody(repository.body_of(row), row.on_chain_since)


def _record(
    session: Session,
    action: str,
    body: bytes,
    *,
    actor: Actor,
    at: datetime,
    details: dict[str, JsonValue] | None = None,
) -> None:
    tenant = body_tenant(body)
    record(session, action, actor=actor, object_=tenant, tenant=tenant, at=at, details=details)
