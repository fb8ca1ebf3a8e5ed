"""Doing something once, however often it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry.idempotency.models import AnsweredRequestRow
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.errors import ReplayMismatchError

KEPT_FOR: Final = timedelta(days=7)
_SEPARATOR: Final = b"\0"


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that may come again.

    Attributes:
        principal: Id of who asks; keys of others are not seen.
        key: His key; None for a request that is not to be remembered.
        digest: SHA-256 of what is asked.
    """

    principal: str
    key: str | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, now and each time that the request comes again."""

    status: int
    content: bytes
    location: str | None = None
    repeated: bool = False


def digest_of(method: str, path: str, body: bytes) -> bytes:
    """Return the digest by which a request is known again."""
    parts = (method.encode(), path.encode(), hashlib.sha256(body).digest())
    return hashlib.sha256(_SEPARATOR.join(parts)).digest()


def once(
    database: Database,
    asked: Repeatable,
    work: Callable[[Session], Answer],
    *,
    clock: Clock = system_clock,
) -> Answer:
    """Do the work of a request in one transaction together with remembering its answer.

    Two copies that arrive together: the slower one waits for the end of the faster before it does
    anything, and gives the stored answer. An error is not remembered; nothing was done.

    Args:
        database: Where the effect is stored.
        asked: The request.
        work: Does it; called with a writing transaction.
        clock: Time of the answer.

    Raises:
        ReplayMismatchError: The key was used for another request.
    """
    if asked.key is None:
        with database.begin() as session:
            return work(session)
    try:
        with database.begin() as session:
            known = _find(session, asked)
            if known is not None:
                return known
            row = _reserve(session, asked, at=clock())
            answer = work(session)
            row.status, row.location, row.content = (
                answer.status,
                answer.location,
                answer.content,
            )
            return answer
    except _TakenError:
        known = recall(database, asked)
    if known is None:
        raise ReplayMismatchError("the same request is being worked on; send it again")
    return known


def recall(database: Database, asked: Repeatable) -> Answer | None:
    """Return the answer that was given before, None for a request that is new.

    Raises:
        ReplayMismatchError: The key was used for another request.
    """
    if asked.key is None:
        return None
    with database.read() as session:
        return _find(session, asked)


def forget(session: Session, *, before: datetime) -> None:
    """Delete answers that are older than anybody repeats a request."""
    session.execute(delete(AnsweredRequestRow).where(AnsweredRequestRow.answered_at < before))


def _find(session: Session, asked: Repeatable) -> Answer | None:
    row = session.get(AnsweredRequestRow, (asked.principal, asked.key))
    if row is None:
        return None
    if row.request_sha256 != asked.digest:
        raise ReplayMismatchError("this idempotency key belongs to another request")
    return Answer(row.status, row.content, row.location, repeated=True)


def _reserve(session: Session, asked: Repeatable, *, at: datetime) -> AnsweredRequestRow:
    """Take the key before any work: a copy of the request waits here for our end.

    Raises:
        _TakenError: A copy was faster and is done.
    """
    forget(session, before=at - KEPT_FOR)
    row = AnsweredRequestRow(
        principal_id=asked.principal,
        key=asked.key,
        request_sha256=asked.digest,
        status=0,
        location=None,
        content=b"",
        answered_at=at,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise _TakenError from error
    return row


class _TakenError(Exception):
    """The key was taken since it was looked up."""
