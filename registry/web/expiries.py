"""What is about to end: accreditations and keys of the bodies that somebody looks after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from registry.access.domain import Reach
from registry.bodies.domain import Body, BodyKey, ScopeDocument
from registry.bodies.service import bodies, keys, scopes

SCOPE_NOTICE: Final = timedelta(days=90)  # a reassessment takes about three months to arrange
KEY_NOTICE: Final = timedelta(days=30)
CERTIFICATE_NOTICE: Final = timedelta(days=30)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """Something that ends soon or has ended.

    Attributes:
        code: scope_ended, row_ends, row_ended, key_ends, key_ended, no_scope, key_not_on_chain.
        body: Whose it is.
        what: Parameter and method, or purpose of the key; "" for a whole scope.
        at: When it ends, None where that is not the point.
        days: Whole days until then, 0 when over.
    """

    code: str
    body: Body
    what: str
    at: datetime | None
    days: int


def bodies_within(session: Session, reach: Reach) -> list[Body]:
    """Return the bodies in the tenants of `reach`, in the order of their aliases."""
    return [
        entry.body
        for entry in bodies(session)
        if reach.everywhere or entry.body.party in reach.parties or entry.body.id in reach.bodies
    ]


def expiries_of(session: Session, wanted: Sequence[Body], *, at: datetime) -> list[Expiry]:
    """Return what ends soon for some bodies, the most urgent first."""
    found = [
        expiry
        for body in wanted
        for expiry in (
            *_of_scopes(body, scopes(session, body.id), at=at),
            *_of_keys(body, keys(session, body.id), at=at),
        )
    ]
    return sorted(found, key=lambda each: (each.days, each.body.alias, each.what))


def _of_scopes(body: Body, documents: Sequence[ScopeDocument], *, at: datetime) -> Iterator[Expiry]:
    if not documents:
        yield Expiry(code="no_scope", body=body, what="", at=None, days=0)
        return
    newest = documents[-1]
    end = newest.effective_until
    if end is not None and end <= at:
        yield Expiry(code="scope_ended", body=body, what="", at=end, days=0)
        return
    for row in json.loads(newest.content)["rows"]:
        ends = datetime.fromisoformat(row["until"]).replace(tzinfo=at.tzinfo)
        if ends <= at + SCOPE_NOTICE:
            what = f"{row['parameter']} – {row['method']}"
            code = "row_ended" if ends <= at else "row_ends"
            yield Expiry(code=code, body=body, what=what, at=ends, days=_days(ends, at))


def _of_keys(body: Body, held: Sequence[BodyKey], *, at: datetime) -> Iterator[Expiry]:
    usable = {key.purpose for key in held if key.may_sign(at + KEY_NOTICE)}
    for key in held:
        purpose = key.purpose.name.lower()
        if key.revoked_at is not None or key.purpose in usable:
            continue
        if key.on_chain_since is None:
            yield Expiry(code="key_not_on_chain", body=body, what=purpose, at=None, days=0)
        elif key.sign_until is not None:
            code = "key_ended" if key.sign_until <= at else "key_ends"
            days = _days(key.sign_until, at)
            yield Expiry(code=code, body=body, what=purpose, at=key.sign_until, days=days)


def _days(end: datetime, at: datetime) -> int:
    return max(0, (end - at) // _DAY)
