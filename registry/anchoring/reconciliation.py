"""Compares database, object store and chain, each with each, and reports. Repairs nothing.

What stands on chain can only be lost with the chain; what is in the database can be restored to an
earlier time; what is in the store can be damaged. Each of the three is checked against the other
two, so whichever lost something, it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from registry.anchoring.domain import Delay, LedgerAct, WriteState
from registry.anchoring.effects import AnchorEffect
from registry.anchoring.models import AccountRow, BatchRow, LedgerWriteRow, StatusChangeRow
from registry.anchoring.ports import AnchorRecord, AuditedChain, BlockRef, Chain, Revocation
from registry.anchoring.queue import queue_status
from registry.anchoring.records import Batch, LedgerWrite
from registry.anchoring.repository import LedgerWrites, quarantined
from registry.anchoring.sealing import rebuild
from registry.anchoring.status_words import load_words
from registry.anchoring.trees import StoredTree, TreeShelf
from registry.kit.database import Database
from registry.kit.errors import NotFoundError
from registry.kit.objects import DamagedObjectError


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """Something that database, store and chain do not agree about.

    Attributes:
        code: Stable name, listed in docs/error-codes.md.
        data: What is concerned, as JSON values.
    """

    code: str
    data: Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class Reconciliation:
    """What was compared, up to which final block, and what was found."""

    chain_id: int
    contract: str
    final: BlockRef
    checked: dict[str, int] = field(default_factory=dict)
    discrepancies: list[Discrepancy] = field(default_factory=list)

    def note(self, code: str, **data: object) -> None:
        """Record a discrepancy."""
        self.discrepancies.append(Discrepancy(code=code, data=data))

    def count(self, what: str, number: int = 1) -> None:
        """Record how much was compared."""
        self.checked[what] = self.checked.get(what, 0) + number

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {
            "reconciliation": 1,
            "chain_id": self.chain_id,
            "contract": self.contract,
            "final": {
                "block": self.final.number,
                "hash": f"0x{self.final.hash.hex()}",
                "time": self.final.time,
            },
            "checked": dict(sorted(self.checked.items())),
            "discrepancies": [
                {"code": found.code, "data": dict(found.data)} for found in self.discrepancies
            ],
        }


def reconcile(
    database: Database, chain: AuditedChain, trees: TreeShelf, *, now: datetime
) -> Reconciliation:
    """Compare everything with everything.

    The pipeline may go on meanwhile: what is claimed to be published is read before the chain,
    and what is looked for in the database after it.

    Raises:
        ChainUnavailableError: The chain gave no usable answer; nothing can be said.
    """
    with database.read() as session:
        published = list(
            session.scalars(
                select(LedgerWriteRow.id)
                .where(LedgerWriteRow.state == WriteState.PUBLISHED)
                .order_by(LedgerWriteRow.id)
            )
        )
    report = Reconciliation(chain_id=chain.chain_id, contract=chain.ledger, final=chain.final())
    anchors = list(chain.anchors(at=report.final))
    revocations = list(chain.revocations(until=report.final))
    stored = {tree.root: name for name, tree in _stored_trees(report, trees)}
    for write_id in published:
        _check_on_chain(report, database, chain, write_id)
    _check_batches(report, database, trees)
    _check_anchors(report, database, anchors, stored)
    _check_stored(report, database, stored)
    _check_revocations(report, database, revocations)
    _check_accounts(report, database, chain)
    _check_waiting(report, database, now)
    return report


def _check_on_chain(
    report: Reconciliation, database: Database, chain: Chain, write_id: int
) -> None:
    """Database against chain: what is published stands where it is said to stand."""
    with database.read() as session:
        writes = LedgerWrites(session)
        write = writes.get(write_id)
        effect = writes.effect(write)
    report.count("published writes")
    if not effect.is_permanent or write.place is None:
        return  # a suspension may have been lifted since
    seen = effect.seen(chain, report.final)
    if seen is None:
        report.note("effect_missing", **_described(write))
    elif isinstance(effect, AnchorEffect) and seen != write.place.block:
        report.note("effect_elsewhere", **_described(write), found_in_block=seen)


def _check_batches(report: Reconciliation, database: Database, trees: TreeShelf) -> None:
    """Database against itself and against the store: leaves, root and stored tree agree."""
    with database.read() as session:
        rows = session.scalars(select(BatchRow).order_by(BatchRow.id))
        batches = [
            Batch(id=row.id, root=row.root, size=row.size, tree_object=row.tree_object)
            for row in rows
            if row.root is not None and row.size is not None
        ]
    for batch in batches:
        report.count("batches")
        report.count("leaves", batch.size)
        about = {"batch": batch.id, "root": batch.root.hex(), "size": batch.size}
        tree = rebuild(database, batch)
        if tree is None:
            report.note("leaves_differ", **about)
        if batch.tree_object is None:
            continue  # sealed just now
        try:
            kept = trees.read(batch.tree_object)
        except NotFoundError:
            report.note("tree_missing", **about, object=batch.tree_object.hex())
        except DamagedObjectError:
            report.note("tree_damaged", **about, object=batch.tree_object.hex())
        else:
            if tree is not None and not kept.holds(tree):
                report.note("tree_differs", **about, object=batch.tree_object.hex())


def _check_anchors(
    report: Reconciliation,
    database: Database,
    anchors: list[AnchorRecord],
    stored: Mapping[bytes, bytes],
) -> None:
    """Chain against database: every anchor of an account of ours has its batch here."""
    with database.read() as session:
        accounts = set(session.scalars(select(AccountRow.address)))
        rows = session.execute(select(BatchRow.root, BatchRow.size))
        sizes = {root: size for root, size in rows}  # noqa: C416  (rows are no plain tuples)
    for anchor in anchors:
        if anchor.operator not in accounts:
            report.count("anchors of others")
            continue
        report.count("anchors")
        if sizes.get(anchor.root) != anchor.size:
            report.note(
                "orphan_anchor",
                root=anchor.root.hex(),
                size=anchor.size,
                block=anchor.block,
                operator=anchor.operator,
                # The tree is in the store: the batch can be brought back from it.
                tree_object=stored[anchor.root].hex() if anchor.root in stored else None,
            )


def _check_stored(
    report: Reconciliation, database: Database, stored: Mapping[bytes, bytes]
) -> None:
    """Store against database: every stored tree belongs to a batch."""
    with database.read() as session:
        known = set(session.scalars(select(BatchRow.root)))
    for root, name in stored.items():
        if root not in known:
            report.note("orphan_tree", root=root.hex(), object=name.hex())


def _stored_trees(report: Reconciliation, trees: TreeShelf) -> Iterator[tuple[bytes, StoredTree]]:
    for name in trees.names():
        report.count("stored trees")
        try:
            yield name, trees.read(name)
        except DamagedObjectError:
            report.note("object_damaged", object=name.hex())


def _check_revocations(
    report: Reconciliation, database: Database, revocations: list[Revocation]
) -> None:
    """Chain against database: every revocation by an account of ours was ordered here."""
    ordered: dict[tuple[bytes, int, int], int] = {}
    leaves: set[tuple[bytes, bytes]] = set()
    with database.read() as session:
        changes = session.scalars(
            select(StatusChangeRow).where(
                StatusChangeRow.act.in_([LedgerAct.REVOKE, LedgerAct.REVOKE_LEAF])
            )
        )
        for change in changes:
            if change.leaf is not None:
                leaves.add((change.body_id, change.leaf))
            for word, mask in load_words(change.words or b"").items():
                key = (change.body_id, change.list_number or 0, word)
                ordered[key] = ordered.get(key, 0) | mask
        bodies = set(session.scalars(select(StatusChangeRow.body_id).distinct()))
    for revocation in revocations:
        report.count("revocations")
        about = {"body": revocation.body_id.hex(), "block": revocation.block}
        if revocation.leaf is not None:
            if (revocation.body_id, revocation.leaf) not in leaves:
                report.note("revocation_not_ordered", **about, leaf=revocation.leaf.hex())
            continue
        key = (revocation.body_id, revocation.list_number, revocation.word)
        if revocation.mask & ~ordered.get(key, 0):
            report.note(
                "revocation_not_ordered",
                **about,
                list=revocation.list_number,
                word=revocation.word,
                # By its party, or from a machine that this database does not know.
                body_writes_here=revocation.body_id in bodies,
            )


def _check_accounts(report: Reconciliation, database: Database, chain: Chain) -> None:
    """Chain against database: no nonce below those in flight is free again.

    If one is, transactions that were final are gone, and the next ones would wait for ever.
    """
    with database.read() as session:
        rows = [(row.address, row.next_nonce) for row in session.scalars(select(AccountRow))]
        in_flight = session.execute(
            select(LedgerWriteRow.account, func.min(LedgerWriteRow.nonce))
            .where(
                LedgerWriteRow.state.in_(
                    [WriteState.TRANSACTION_SIGNED, WriteState.SENT, WriteState.MINED]
                )
            )
            .group_by(LedgerWriteRow.account)
        )
        oldest = {account: nonce for account, nonce in in_flight if nonce is not None}
    for account, next_nonce in rows:
        report.count("accounts")
        expected = oldest.get(account, next_nonce)
        count = chain.transaction_count(account, report.final)
        if count < expected:
            report.note("nonce_gap", account=account, recorded=expected, on_chain=count)


def _check_waiting(report: Reconciliation, database: Database, now: datetime) -> None:
    """What waits for people, or for too long."""
    with database.read() as session:
        queue = queue_status(session, now=now)
        aside = quarantined(session)
    for write in aside:
        report.note("quarantined", **_described(write), reason=str(write.quarantine))
    if queue.delay >= Delay.ALARM and queue.oldest_at is not None:
        report.note(
            "queue_delayed",
            oldest_at=queue.oldest_at.isoformat(),
            leaves=queue.queued + queue.in_progress,
            delay=queue.delay.name.lower(),
        )


def _described(write: LedgerWrite) -> dict[str, object]:
    return {
        "write": write.id,
        "kind": write.kind.value,
        "block": None if write.place is None else write.place.block,
    }
