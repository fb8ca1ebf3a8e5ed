"""Recomputes roots from leaves and looks for them on chain, from the database or the store alone.

For an auditor who believes neither: every root is hashed anew from its leaves, and the ledger is
asked whether it knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from registry.anchoring.domain import WriteState
from registry.anchoring.models import BatchRow, LedgerWriteRow
from registry.anchoring.ports import AnchorRecord, AuditedChain, BlockRef
from registry.anchoring.repository import LedgerWrites
from registry.anchoring.trees import TreeShelf
from registry.kit.database import Database
from registry.kit.errors import NotFoundError
from registry.kit.objects import DamagedObjectError
from verifier.core.errors import MalformedEvidenceError
from verifier.core.merkle import Tree

_FINISHED: Final = (WriteState.FINAL, WriteState.PUBLISHED)


class RootOutcome(StrEnum):
    """What became of one root."""

    ANCHORED = "anchored"
    PENDING = "pending"  # not final yet, and the database does not say otherwise
    NOT_ANCHORED = "not_anchored"  # the ledger does not know the root
    LEAVES_DIFFER = "leaves_differ"  # the leaves give another root than the one recorded
    DAMAGED = "damaged"  # the object cannot be read as a tree
    LEAVES_UNKNOWN = "leaves_unknown"  # anchored by the same operator, but its leaves are not here


SOUND: Final = frozenset({RootOutcome.ANCHORED, RootOutcome.PENDING})


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCheck:
    """One root.

    Attributes:
        name: The batch, `batch 7`, or the object, `object <hex>`, or `anchor`.
        root: As recomputed from the leaves; as recorded where that is impossible.
        size: Number of leaves, 0 where it is not known.
        block: Block of its anchor, None without one.
    """

    name: str
    outcome: RootOutcome
    root: bytes
    size: int
    block: int | None

    def to_json(self) -> dict[str, object]:
        """Return the check as JSON values."""
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "root": self.root.hex(),
            "size": self.size,
            "block": self.block,
        }


def audit_database(database: Database, chain: AuditedChain) -> Iterator[RootCheck]:
    """Check every batch of the database, from its rows alone, and every anchor of its operators.

    Raises:
        ChainUnavailableError: The chain gave no usable answer.
    """
    with database.read() as session:
        rows = session.execute(
            select(BatchRow.id, BatchRow.root, LedgerWriteRow.state)
            .join(LedgerWriteRow, LedgerWriteRow.id == BatchRow.id)
            .where(BatchRow.abandoned_at.is_(None))
            .order_by(BatchRow.id)
        ).all()
    final = chain.final()
    anchors = _anchors(chain, final)
    known: set[tuple[bytes, int]] = set()
    for batch, recorded, state in rows:
        root = recorded or b""
        with database.read() as session:
            tree = _tree(LedgerWrites(session).leaves(batch))
        if tree is None or tree.root != root:
            outcome, size = RootOutcome.LEAVES_DIFFER, 0
        else:
            size = tree.size
            outcome = _found(anchors, root, size, must_stand=state in _FINISHED)
        known.add((root, size))
        yield _check(f"batch {batch}", outcome, root, size, anchors)
    yield from _unknown(anchors, known)


def audit_store(trees: TreeShelf, chain: AuditedChain) -> Iterator[RootCheck]:
    """Check every tree of the object store, without a database, and every anchor of its operators.

    Without a database nobody can tell what is still pending from what is lost: either is
    `not_anchored`.

    Raises:
        ChainUnavailableError: The chain gave no usable answer.
    """
    anchors = _anchors(chain, chain.final())
    known: set[tuple[bytes, int]] = set()
    for name in trees.names():
        about = f"object {name.hex()}"
        try:
            stored = trees.read(name)
        except (DamagedObjectError, NotFoundError):
            yield _check(about, RootOutcome.DAMAGED, bytes(32), 0, anchors)
            continue
        tree = Tree.build(stored.leaves())
        if not stored.holds(tree):
            outcome = RootOutcome.LEAVES_DIFFER
        else:
            outcome = _found(anchors, tree.root, tree.size, must_stand=True)
        known.add((tree.root, tree.size))
        yield _check(about, outcome, tree.root, tree.size, anchors)
    yield from _unknown(anchors, known)


_Anchors = Mapping[tuple[bytes, int], list[AnchorRecord]]


def _anchors(chain: AuditedChain, final: BlockRef) -> _Anchors:
    """Return every anchor that counts, on any ledger, by root and size."""
    found: dict[tuple[bytes, int], list[AnchorRecord]] = {}
    for contract in chain.ledgers:
        ledger = chain.at_ledger(contract)
        for anchor in ledger.anchors(at=final):
            if ledger.speaks_for(anchor.block):
                found.setdefault((anchor.root, anchor.size), []).append(anchor)
    return found


def _found(anchors: _Anchors, root: bytes, size: int, *, must_stand: bool) -> RootOutcome:
    if (root, size) in anchors:
        return RootOutcome.ANCHORED
    return RootOutcome.NOT_ANCHORED if must_stand else RootOutcome.PENDING


def _unknown(anchors: _Anchors, known: set[tuple[bytes, int]]) -> Iterator[RootCheck]:
    """Yield anchors of unknown leaves by whoever anchored a known root too."""
    ours = {anchor.operator for key in known for anchor in anchors.get(key, ())}
    for (root, size), records in anchors.items():
        if (root, size) not in known and any(record.operator in ours for record in records):
            yield _check("anchor", RootOutcome.LEAVES_UNKNOWN, root, size, anchors)


def _check(name: str, outcome: RootOutcome, root: bytes, size: int, anchors: _Anchors) -> RootCheck:
    blocks = [anchor.block for anchor in anchors.get((root, size), ())]
    return RootCheck(
        name=name, outcome=outcome, root=root, size=size, block=min(blocks, default=None)
    )


def _tree(leaves: Iterator[bytes]) -> Tree | None:
    try:
        return Tree.build(leaves)
    except MalformedEvidenceError:
        return None
