"""Closing the queue into a batch, and making sure of what was closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from registry.anchoring.calls import anchor_call
from registry.anchoring.domain import BatchPolicy, WriteKind
from registry.anchoring.models import BatchRow, LeafRow
from registry.anchoring.records import Batch, Lease
from registry.anchoring.repository import LedgerWrites
from registry.anchoring.steps import LedgerSteps, seal_write
from registry.kit.database import Database
from verifier.core.errors import MalformedEvidenceError
from verifier.core.merkle import Tree

# One statement puts any number of leaves in their places, in the order of the queue. Rows that
# another worker is sealing just now are passed over on PostgreSQL; SQLite has one writer.
_CLAIM = """
UPDATE leaves SET batch_id = :batch, position = chosen.position
FROM (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS position
    FROM (
        SELECT id FROM leaves WHERE batch_id IS NULL ORDER BY id LIMIT :most {locking}
    ) AS waiting
) AS chosen
WHERE leaves.id = chosen.id
"""


class _NothingToSealError(Exception):
    """Another worker took every leaf; the transaction is rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """When and for whom the queue is closed."""

    policy: BatchPolicy
    contract: str  # address of the CertificateLedger


def seal(
    database: Database, lease: Lease, sealing: Sealing, *, now: datetime, flush: bool
) -> Batch | None:
    """Close a batch if one is due, in a single transaction: leaves, order, root and write.

    Args:
        database: The database.
        lease: Of the account that will anchor the batch.
        sealing: Policy, and the contract that is going to be called.
        now: The present moment.
        flush: Close whatever is queued, however few and young.

    Returns:
        The batch, None if none was due.
    """
    if not _is_due(database, sealing.policy, now=now, flush=flush):
        return None
    try:
        with database.begin() as session:
            return _seal(session, lease, sealing, now)
    except _NothingToSealError:
        return None


def _is_due(database: Database, policy: BatchPolicy, *, now: datetime, flush: bool) -> bool:
    is_queued = LeafRow.batch_id.is_(None)
    with database.read() as session:
        oldest = session.scalars(
            select(LeafRow.queued_at).where(is_queued).order_by(LeafRow.id).limit(1)
        ).first()
        if oldest is None or flush:
            return oldest is not None
        queued = session.scalar(select(func.count()).select_from(LeafRow).where(is_queued)) or 0
    return policy.is_due(queued=queued, oldest_at=int(oldest.timestamp()), now=int(now.timestamp()))


def _seal(session: Session, lease: Lease, sealing: Sealing, now: datetime) -> Batch:
    write = LedgerSteps(session, lease, now=now).open(WriteKind.ANCHOR, sealing.contract)
    batch = BatchRow(id=write.id)
    session.add(batch)
    session.flush()
    locking = "FOR UPDATE SKIP LOCKED" if session.get_bind().dialect.name == "postgresql" else ""
    session.execute(
        text(_CLAIM.format(locking=locking)),
        {"batch": write.id, "most": sealing.policy.max_leaves},
    )
    tree = _tree(session, write.id)
    if tree is None:
        raise _NothingToSealError
    batch.root, batch.size = tree.root, tree.size
    seal_write(session, write, anchor_call(tree.root, tree.size), now=now)
    return Batch(id=batch.id, root=tree.root, size=tree.size, tree_object=None)


def rebuild(database: Database, batch: Batch) -> Tree | None:
    """Recompute the tree of a sealed batch from rows read back from the database.

    Returns:
        The tree; None when it is not the sealed one. A bit that flips between hashing and storing
        has ended a public log, so nothing is signed on the strength of what was in memory.
    """
    with database.read() as session:
        tree = _tree(session, batch.id)
    if tree is None or (tree.root, tree.size) != (batch.root, batch.size):
        return None
    return tree


def _tree(session: Session, batch_id: int) -> Tree | None:
    try:
        return Tree.build(LedgerWrites(session).leaves(batch_id))
    except MalformedEvidenceError:
        return None
