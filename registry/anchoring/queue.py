"""The queue of leaves. Whoever signs something enqueues its leaf in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.anchoring.domain import Delay, LeafKind, WriteState, delay_of
from registry.anchoring.errors import LeafExistsError
from registry.anchoring.models import BatchRow, LeafRow, LedgerWriteRow
from registry.kit.bulk_insert import insert_rows
from registry.kit.chunks import chunks
from registry.kit.clock import Clock, system_clock
from verifier.core.hashing import leaf_digest

_IN_ONE_STATEMENT: Final = 500  # far below the number of parameters that any database takes


def enqueue(
    session: Session,
    leaf: bytes,
    *,
    kind: LeafKind,
    entry: bytes,
    certificate_id: str | None,
    clock: Clock = system_clock,
) -> None:
    """Queue a leaf to be anchored, as part of the caller's transaction.

    Args:
        session: The transaction that also stores what was signed.
        leaf: Leaf digest, 32 bytes.
        kind: What the entry is.
        entry: The signed bytes behind the leaf (ASCII of a JWT, CBOR of a COSE_Sign1). They are
            checked against the leaf and not kept: whoever issued them keeps them.
        certificate_id: The certificate that the entry belongs to, None if it belongs to none.
        clock: Source of the time of queueing.

    Raises:
        ValueError: `leaf` is not the leaf of `entry`.
        LeafExistsError: The leaf was queued before.
    """
    new = NewLeaf(leaf=leaf, kind=kind, entry=entry, certificate_id=certificate_id)
    enqueue_many(session, [new], at=clock())


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLeaf:
    """A leaf to be queued; the members are the arguments of `enqueue`."""

    leaf: bytes
    kind: LeafKind
    entry: bytes
    certificate_id: str | None


def enqueue_many(session: Session, leaves: Sequence[NewLeaf], *, at: datetime) -> None:
    """Queue leaves to be anchored, as part of the caller's transaction; see `enqueue`.

    Args:
        session: The transaction that also stores what was signed.
        leaves: The leaves, in the order in which they will be sealed.
        at: Time of queueing.

    Raises:
        ValueError: A leaf is not that of its entry.
        LeafExistsError: One was queued before, or is there twice.
    """
    if any(each.leaf != leaf_digest(each.entry) for each in leaves):
        raise ValueError("the leaf is not that of the entry")
    seen: set[bytes] = set()
    for part in chunks(leaves, _IN_ONE_STATEMENT):
        digests = [each.leaf for each in part]
        queued = set(session.scalars(select(LeafRow.leaf).where(LeafRow.leaf.in_(digests))))
        for digest in digests:
            if digest in queued or digest in seen:
                raise LeafExistsError(f"leaf {digest.hex()} is queued already")
            seen.add(digest)
    rows = [
        {
            "leaf": each.leaf,
            "kind": each.kind,
            "certificate_id": each.certificate_id,
            "queued_at": at,
        }
        for each in leaves
    ]
    insert_rows(session, LeafRow, rows)


def is_queued(session: Session, leaf: bytes) -> bool:
    """Tell whether a leaf was ever queued, whether or not it is in a batch by now."""
    return session.scalar(select(LeafRow.id).where(LeafRow.leaf == leaf)) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """How much waits, and for how long.

    Attributes:
        queued: Leaves in no batch yet.
        in_progress: Leaves in batches that are not published.
        oldest_at: When the oldest unpublished leaf was queued.
        delay: How late that one is.
    """

    queued: int
    in_progress: int
    oldest_at: datetime | None
    delay: Delay


def queue_status(session: Session, *, now: datetime) -> QueueStatus:
    """Return how much waits to be anchored at `now`."""
    queued, first_queued = session.execute(
        select(func.count(), func.min(LeafRow.queued_at)).where(LeafRow.batch_id.is_(None))
    ).one()
    unpublished = (
        select(BatchRow.id, BatchRow.size)
        .join(LedgerWriteRow, LedgerWriteRow.id == BatchRow.id)
        .where(LedgerWriteRow.state.not_in([WriteState.PUBLISHED, WriteState.ABANDONED]))
        .subquery()
    )
    in_progress = session.scalar(select(func.coalesce(func.sum(unpublished.c.size), 0)))
    first_sealed = session.scalar(
        select(func.min(LeafRow.queued_at)).join(unpublished, LeafRow.batch_id == unpublished.c.id)
    )
    waiting = [moment for moment in (first_queued, first_sealed) if moment is not None]
    oldest = min(waiting, default=None)
    seconds = None if oldest is None else int(oldest.timestamp())
    return QueueStatus(
        queued=queued,
        in_progress=int(in_progress or 0),
        oldest_at=oldest,
        delay=delay_of(seconds, now=int(now.timestamp())),
    )
