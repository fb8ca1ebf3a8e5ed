"""Inclusion proofs on demand, from the stored levels of a batch's tree."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.anchoring.domain import WriteState
from registry.anchoring.models import AccountRow, BatchRow, LeafRow, LedgerWriteRow
from registry.anchoring.trees import TreeShelf
from registry.kit.objects import DamagedObjectError
from verifier.core.limits import SUBTREE_LEAVES
from verifier.core.merkle import Tree, root_from_path


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
    found = session.execute(
        select(
            LeafRow.position,
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
        .join(BatchRow, BatchRow.id == LeafRow.batch_id)
        .join(LedgerWriteRow, LedgerWriteRow.id == BatchRow.id)
        .join(AccountRow, AccountRow.address == LedgerWriteRow.account)
        .where(LeafRow.leaf == leaf)
    ).first()
    if found is None or found.tree_object is None:
        return None
    anchor = None
    if found.state is WriteState.PUBLISHED:
        anchor = PublishedAnchor(
            chain_id=found.chain_id,
            contract=found.contract,
            block=found.block,
            transaction=found.transaction_hash,
            time=int(found.effective_at.timestamp()),
        )
    tree = trees.get(found.tree_object)
    if (tree.root, tree.size) != (found.root, found.size) or tree.leaf(found.position) != leaf:
        raise DamagedObjectError(f"tree {found.tree_object.hex()} is that of another batch")
    return prove(tree, found.position, anchor=anchor)


def prove(tree: Tree, index: int, *, anchor: PublishedAnchor | None = None) -> AnchoredProof:
    """Make the proof of the leaf at `index` of a tree."""
    whole, within = tree.proof(index), tree.subtree_proof(index)
    subtree = index // SUBTREE_LEAVES
    return AnchoredProof(
        leaf=tree.leaf(index),
        index=index,
        size=tree.size,
        path=whole.path,
        root=tree.root,
        subtree=SubtreePart(
            index=within.index,
            leaves=within.leaves,
            path=within.path,
            subtree=subtree,
            head=root_from_path(
                tree.leaf(index), index=within.index, size=within.leaves, path=within.path
            ),
            head_path=tree.head_proof(subtree),
        ),
        anchor=anchor,
    )
