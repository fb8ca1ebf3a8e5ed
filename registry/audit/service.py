"""Recording acts, listing them, and proving that none was changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import event
from sqlalchemy.orm import Session

from registry.audit import repository
from registry.audit.domain import Entry, Head, Link, Outcome, bind, first_break
from registry.audit.errors import AuditBrokenError
from registry.audit.repository import Filter
from registry.kit.actor import Actor
from registry.kit.request_id import current_request_id
from verifier.core.strict_json import JsonValue

MAX_PAGE: Final = 200
INSTALLATION: Final = "installation"
_WAITING: Final = "lancang_audit"


def record(
    session: Session,
    action: str,
    *,
    actor: Actor,
    object_: str,
    tenant: str,
    at: datetime,
    outcome: Outcome = Outcome.DONE,
    details: Mapping[str, JsonValue] | None = None,
) -> None:
    """Record an act as part of the caller's transaction: both are stored, or neither is.

    The entry is written when the transaction commits, so that the head of the chain, for which
    all writers queue, is locked last and for the shortest time. An act inside a savepoint is
    recorded after the savepoint is released: rolling that back does not take the entry back.

    Args:
        session: A writing transaction.
        action: Stable code such as `certificate.approve`.
        actor: Who acts.
        object_: What it is done to, such as `certificate:<id>`.
        tenant: On whose behalf: `body:<hex>`, `party:<id>` or `installation`.
        at: When.
        outcome: How it ended.
        details: Codes, ids and digests; never a secret, nor contents of documents.
    """
    entry = Entry(
        at=at,
        actor=actor.name,
        person=actor.person,
        action=action,
        object=object_,
        tenant=tenant,
        outcome=outcome,
        request_id=current_request_id.get(),
        details=details or {},
    )
    waiting: list[Entry] | None = session.info.get(_WAITING)
    if waiting is None:
        waiting = session.info[_WAITING] = []
        event.listen(session, "before_commit", _write)
    waiting.append(entry)


def body_tenant(body_id: bytes) -> str:
    """Return the name of the tenant that a body is."""
    return f"body:{body_id.hex()}"


def party_tenant(party: str) -> str:
    """Return the name of the tenant that a party is."""
    return f"party:{party}"


def verify(session: Session) -> Head:
    """Recompute the whole chain and return its head.

    Raises:
        AuditBrokenError: An entry was changed, removed or inserted; it names the first.
    """
    head = repository.read_head(session)
    found = first_break(
        repository.all_links(session), head=head, anchored=repository.anchored_hashes(session)
    )
    if found is not None:
        raise AuditBrokenError(found.sequence, found.code)
    return head


def entries(session: Session, asked: Filter, *, limit: int = MAX_PAGE) -> list[Link]:
    """Return the newest matching entries, the newest first; at most `MAX_PAGE`."""
    return repository.newest(session, asked, limit=min(limit, MAX_PAGE))


def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint is released; the transaction goes on
    waiting: list[Entry] = session.info[_WAITING]
    if waiting:
        session.flush()
        repository.append(session, bind(repository.locked_head(session), waiting))
        waiting.clear()
