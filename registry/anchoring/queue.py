"""The queue of leaves. Whoever signs something enqueues its leaf in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.anchoring.domain import Delay, LeafKind, WriteState, delay_of
from registry.anchoring.errors import LeafExistsError
from registry.anchoring.models import BatchRow, LeafRow, LedgerWriteRow
from registry.kit.clock import Clock, system_clock
from verifier.core.hashing import leaf_digest


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
    if leaf != leaf_digest(entry):
        raise ValueError("the leaf is not that of the entry")
    if is_queued(session, leaf):
        raise LeafExistsError(f"leaf {leaf.hex()} is queued already")
    session.add(LeafRow(leaf=leaf, kind=kind, certificate_id=certificate_id, queued_at=clock()))
    session.flush()


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
