"""Anchoring the audit trail: once a day its head becomes a leaf like everything signed."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from registry.anchoring.domain import LeafKind
from registry.anchoring.queue import enqueue, is_queued
from registry.audit import repository
from registry.audit.domain import head_entry
from registry.audit.errors import AuditBrokenError
from registry.audit.models import AnchoredHeadRow
from verifier.core.hashing import leaf_digest
from verifier.core.strict_json import parse_json_object


def queue_audit_head(session: Session, *, at: datetime) -> bytes | None:
    """Queue the head of the audit trail to be anchored, at most once for each day in UTC.

    What is anchored is the place and hash of the newest entry (docs/adr/0011-audit-trail.md). Two
    processes that try at once: the head's lock lets one after the other.

    Returns:
        The leaf, None when it is not due or there is nothing new.
    """
    day = at.date()
    if _is_done(session, day):  # asked often, so without queueing for the lock
        return None
    head = repository.locked_head(session)
    last = repository.last_anchored(session)
    if head.sequence == 0 or _is_done(session, day) or (last and last[1] >= head.sequence):
        return None
    entry = head_entry(head, at=at)
    leaf = leaf_digest(entry)
    session.add(
        AnchoredHeadRow(day=day, sequence=head.sequence, hash=head.hash, leaf=leaf, entry=entry)
    )
    session.flush()
    enqueue(
        session,
        leaf,
        kind=LeafKind.AUDIT_HEAD,
        entry=entry,
        certificate_id=None,
        clock=lambda: at,
    )
    return leaf


def check_anchored(session: Session) -> int:
    """Compare every queued head with its bytes and with the queue of leaves.

    Returns:
        How many there are.

    Raises:
        AuditBrokenError: One of them was changed, or its leaf was never queued.
    """
    rows = repository.anchored_heads(session)
    for row in rows:
        said = parse_json_object(row.entry, what="audit head")
        if (said["sequence"], said["hash"]) != (row.sequence, row.hash.hex()):
            raise AuditBrokenError(row.sequence, "anchored")
        if leaf_digest(row.entry) != row.leaf or not is_queued(session, row.leaf):
            raise AuditBrokenError(row.sequence, "anchored")
    return len(rows)


def _is_done(session: Session, day: date) -> bool:
    last = repository.last_anchored(session)
    return last is not None and last[0] >= day
