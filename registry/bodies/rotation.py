"""Rotating document keys: the next one registered ahead, both valid for a while, the old one ended.

Only the database is changed here; `registry.key_changes` brings the windows on chain.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from registry.audit.service import body_tenant, record
from registry.bodies import repository
from registry.bodies.domain import BodyKey
from registry.bodies.errors import KeyNotFoundError, RotationOrderError
from registry.bodies.key_states import ANCHOR_GRACE, Duty, KeyState, StandingKey, standing
from registry.bodies.models import BodyKeyRow
from registry.kit.actor import Actor
from verifier.core.strict_json import JsonValue

MAX_OVERLAP: Final = timedelta(days=365)


def keys_standing(session: Session, body: bytes, *, at: datetime) -> list[StandingKey]:
    """Return every key of a body, the newest first, with where it stands."""
    return standing((repository.key_of(row) for row in repository.keys_of(session, body)), at=at)


def check_next(session: Session, duty: Duty, *, at: datetime) -> None:
    """Make sure that a key may be made to follow the one in use.

    Raises:
        RotationOrderError: There is one already.
    """
    if any(key.state in {KeyState.NEXT, KeyState.MADE} for key in _of(session, duty, at)):
        raise RotationOrderError("a next key is there already: rotate to it, or retire it, first")


def rotate(
    session: Session, duty: Duty, *, overlap: timedelta, actor: Actor, at: datetime
) -> BodyKey:
    """Put the next key to use; the earlier ones stay valid for the overlap.

    Args:
        session: A writing transaction.
        duty: Body and purpose.
        overlap: How long what the earlier keys sign is still valid.
        actor: Who rotates.
        at: When.

    Returns:
        The key that is in use from now on.

    Raises:
        RotationOrderError: No next key is on chain, or the overlap is impossible.
    """
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise RotationOrderError(f"an overlap lasts 0 to {MAX_OVERLAP.days} days")
    repository.lock_body(session, duty.body)
    keys = _of(session, duty, at)
    following = [each.key for each in keys if each.state is KeyState.NEXT]
    if not following:
        raise RotationOrderError(
            "no next key is on chain: `lancang keys register-next` comes first, and takes effect "
            "once its block is final"
        )
    chosen = following[0]
    _row(session, chosen).use_from = at
    for each in keys:
        if each.state in {KeyState.IN_USE, KeyState.OVERLAP}:
            _end(_row(session, each.key), sign_until=at + overlap)
    session.flush()
    _record(session, "key.rotate", chosen, actor=actor, at=at, overlap_days=overlap.days)
    return chosen


def retire(session: Session, thumbprint: bytes, *, actor: Actor, at: datetime) -> BodyKey:
    """End the signing of a key now; what it signed may be anchored for a while yet.

    Raises:
        KeyNotFoundError: There is no such key.
        RotationOrderError: Nothing else is in use for its duty, or it has ended already.
    """
    row = repository.find_key(session, thumbprint)
    if row is None:
        raise KeyNotFoundError(f"there is no key {thumbprint.hex()}")
    repository.lock_body(session, row.body_id)
    keys = _of(session, Duty.of(repository.key_of(row)), at)
    (own,) = [each for each in keys if each.key.public_key.thumbprint() == thumbprint]
    if own.state in {KeyState.ENDED, KeyState.REVOKED, KeyState.COMPROMISED}:
        raise RotationOrderError("the key has ended already")
    if own.state is KeyState.IN_USE:
        raise RotationOrderError("the key is in use: rotate to the next one first")
    _end(row, sign_until=at)
    session.flush()
    _record(session, "key.retire", own.key, actor=actor, at=at)
    return own.key


def _of(session: Session, duty: Duty, at: datetime) -> list[StandingKey]:
    return [each for each in keys_standing(session, duty.body, at=at) if Duty.of(each.key) == duty]


def _end(row: BodyKeyRow, *, sign_until: datetime) -> None:
    """Close the windows of a key, never later than they close already."""
    row.sign_until = min(filter(None, (row.sign_until, sign_until)))
    row.anchor_until = min(filter(None, (row.anchor_until, row.sign_until + ANCHOR_GRACE)))


def _row(session: Session, key: BodyKey) -> BodyKeyRow:
    row = repository.find_key(session, key.public_key.thumbprint())
    if row is None:
        raise KeyNotFoundError("the key is gone")
    return row


def _record(
    session: Session, action: str, key: BodyKey, *, actor: Actor, at: datetime, **details: JsonValue
) -> None:
    tenant = body_tenant(key.body)
    details |= {
        "purpose": key.purpose.name.lower(),
        "thumbprint": key.public_key.thumbprint().hex(),
    }
    record(session, action, actor=actor, object_=tenant, tenant=tenant, at=at, details=details)
