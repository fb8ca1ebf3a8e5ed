"""Inclusion proofs on demand, from the stored levels of a batch's tree.

One indexed look-up tells batch and position of a leaf; what is known about a batch is kept in
memory for as long as it stays as it was. The path is read from the stored tree, at most 21 nodes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry.anchoring.domain import WriteState
from registry.anchoring.models import AccountRow, BatchRow, LeafRow, LedgerWriteRow
from registry.anchoring.trees import StoredTree, TreeShelf
from registry.kit.objects import DamagedObjectError
from verifier.core.limits import SUBTREE_LEAVES

_MAX_KNOWN: Final = 4096  # batches; some hundred bytes each
# Tables, not mapped classes: measured a fourth cheaper for one row of plain values.
_LEAVES, _WRITES = LeafRow.__table__.c, LedgerWriteRow.__table__.c
_PLACE: Final = (
    select(_LEAVES.batch_id, _LEAVES.position, _WRITES.version)
    .join(LedgerWriteRow.__table__, _WRITES.id == _LEAVES.batch_id)
    .where(_LEAVES.leaf == bindparam("leaf"))
)
_BATCH: Final = (
    select(
        BatchRow.root,
        BatchRow.size,
        BatchRow.tree_object,
        LedgerWriteRow.state,
        LedgerWriteRow.contract,
        LedgerWriteRow.block,
        LedgerWriteRow.transaction_hash,
        LedgerWriteRow.effective_at,
        AccountRow.chain_id,
    )
    .join(LedgerWriteRow, LedgerWriteRow.id == BatchRow.id)
    .join(AccountRow, AccountRow.address == LedgerWriteRow.account)
    .where(BatchRow.id == bindparam("batch"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtreePart:
    """How a leaf leads to the head of its 1024-leaf subtree, and that head to the root.

    Attributes:
        index: Position of the leaf inside the subtree.
        leaves: Number of leaves in the subtree.
        path: Siblings from the leaf to the head, at most 10.
        subtree: Number of the subtree inside the tree.
        head: Root of the subtree, 32 bytes.
        head_path: Siblings from the head to the root of the tree.
    """

    index: int
    leaves: int
    path: tuple[bytes, ...]
    subtree: int
    head: bytes
    head_path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedAnchor:
    """Where a root stands on chain, final. `time` is Unix seconds."""

    chain_id: int
    contract: str
    block: int
    transaction: bytes | None
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoredProof:
    """How a leaf leads to the root of its batch, and where that root stands.

    `anchor` is None until the batch is published; the path does not change any more.
    """

    leaf: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    root: bytes
    subtree: SubtreePart
    anchor: PublishedAnchor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBatch:
    """What is known about a batch at one version of its ledger write.

    `tree_object` is None until its tree is stored, `anchor` until it is published.
    """

    root: bytes
    size: int
    tree_object: bytes | None
    anchor: PublishedAnchor | None


class _KnownBatches:
    """Batches of one database, the most recently used ones.

    A row is known by its version too, which every step of its ledger write raises, so nothing that
    is kept here is ever out of date.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], SealedBatch] = OrderedDict()
        self._lock = Lock()

    def get(self, session: Session, batch: int, version: int) -> SealedBatch:
        key = (batch, version)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        found = read_batch(session, batch)
        with self._lock:
            self._kept[key] = found
            if len(self._kept) > _MAX_KNOWN:
                self._kept.popitem(last=False)
        return found


_known: Final[WeakKeyDictionary[Any, _KnownBatches]] = WeakKeyDictionary()  # by engine


def find_proof(session: Session, leaf: bytes, *, trees: TreeShelf) -> AnchoredProof | None:
    """Return the proof of a leaf.

    Args:
        session: A transaction.
        leaf: Leaf digest, 32 bytes.
        trees: The stored trees.

    Returns:
        None when the leaf is unknown, or its batch is not sealed and stored yet.

    Raises:
        NotFoundError: The stored tree is missing.
        DamagedObjectError: The stored tree is damaged or belongs elsewhere.
    """
    place = session.connection().execute(_PLACE, {"leaf": leaf}).first()
    if place is None:
        return None
    batch_id, position, version = place
    engine = session.get_bind()
    known = _known.get(engine) or _known.setdefault(engine, _KnownBatches())
    batch = known.get(session, batch_id, version)
    if batch.tree_object is None:
        return None
    return prove(trees.get(batch.tree_object), position, leaf=leaf, batch=batch)


def prove(tree: StoredTree, index: int, *, leaf: bytes, batch: SealedBatch) -> AnchoredProof:
    """Make the proof of a leaf.

    Args:
        tree: The stored tree.
        index: Position of the leaf in it.
        leaf: The leaf that is expected there.
        batch: The batch that the tree must be that of.

    Raises:
        DamagedObjectError: The tree is that of another batch, or has another leaf there.
        MalformedEvidenceError: The tree has no such position.
    """
    if (tree.size, tree.root) != (batch.size, batch.root) or tree.leaf(index) != leaf:
        raise DamagedObjectError(f"tree {tree.root.hex()} is that of another batch")
    way = tree.way(index)
    subtree, within = divmod(index, SUBTREE_LEAVES)
    return AnchoredProof(
        leaf=leaf,
        index=index,
        size=batch.size,
        path=way.below + way.above,
        root=batch.root,
        subtree=SubtreePart(
            index=within,
            leaves=min(SUBTREE_LEAVES, batch.size - subtree * SUBTREE_LEAVES),
            path=way.below,
            subtree=subtree,
            head=way.head,
            head_path=way.above,
        ),
        anchor=batch.anchor,
    )


def read_batch(session: Session, batch: int) -> SealedBatch:
    """Return what the database knows about a sealed batch.

    Raises:
        NoResultFound: There is no such batch.
    """
    row = session.execute(_BATCH, {"batch": batch}).one()
    anchor = None
    if row.state is WriteState.PUBLISHED:
        anchor = PublishedAnchor(
            chain_id=row.chain_id,
            contract=row.contract,
            block=row.block,
            transaction=row.transaction_hash,
            time=int(row.effective_at.timestamp()),
        )
    return SealedBatch(root=row.root, size=row.size, tree_object=row.tree_object, anchor=anchor)
