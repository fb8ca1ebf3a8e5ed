"""Each of database, object store and chain against each other; one function for every comparison.

All of them only read, and note what they find in the report that they are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select

from registry.anchoring.domain import Delay, LedgerAct, WriteState
from registry.anchoring.effects import AnchorEffect
from registry.anchoring.findings import Reconciliation
from registry.anchoring.models import AccountRow, BatchRow, LedgerWriteRow, StatusChangeRow
from registry.anchoring.ports import AnchorRecord, Chain, Revocation
from registry.anchoring.queue import queue_status
from registry.anchoring.records import Batch, LedgerWrite
from registry.anchoring.repository import LedgerWrites, quarantined
from registry.anchoring.sealing import rebuild
from registry.anchoring.status_words import load_words
from registry.anchoring.trees import TreeShelf
from registry.kit.database import Database
from registry.kit.errors import NotFoundError
from registry.kit.objects import DamagedObjectError


def check_on_chain(report: Reconciliation, database: Database, chain: Chain, write_id: int) -> None:
    """Database against chain: what is published stands where it is said to stand."""
    with database.read() as session:
        writes = LedgerWrites(session)
        write = writes.get(write_id)
        effect = writes.effect(write)
    report.count("published writes")
    if not effect.is_permanent or write.place is None:
        return  # a suspension may have been lifted since
    seen = effect.seen(chain.at_ledger(write.contract), report.final)
    if seen is None:
        report.note("effect_missing", **_described(write))
    elif isinstance(effect, AnchorEffect) and seen != write.place.block:
        report.note("effect_elsewhere", **_described(write), found_in_block=seen)


def check_batches(
    report: Reconciliation, database: Database, trees: TreeShelf, *, first: int
) -> None:
    """Database against itself and against the store: leaves, root and stored tree agree."""
    with database.read() as session:
        rows = session.scalars(
            select(BatchRow)
            .where(BatchRow.id >= first, BatchRow.abandoned_at.is_(None))
            .order_by(BatchRow.id)
        )
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
        if tree is None and not _is_abandoned(database, batch.id):
            report.note("leaves_differ", **about)
        if batch.tree_object is None:
            continue  # sealed just now
        try:
            kept = trees.read(batch.tree_object)
        except NotFoundError:
            continue  # noted with everything else that is missing
        except DamagedObjectError:
            report.note("tree_damaged", **about, object=batch.tree_object.hex())
        else:
            if tree is not None and not kept.holds(tree):
                report.note("tree_differs", **about, object=batch.tree_object.hex())


def _is_abandoned(database: Database, batch_id: int) -> bool:
    """Tell whether a batch was abandoned while we looked at it."""
    with database.read() as session:
        return session.get_one(BatchRow, batch_id).abandoned_at is not None


def check_anchors(
    report: Reconciliation,
    database: Database,
    anchors: list[AnchorRecord],
    stored: Mapping[bytes, bytes],
) -> None:
    """Chain against database: every anchor of an account of ours has its batch here."""
    with database.read() as session:
        accounts = set(session.scalars(select(AccountRow.address)))
        rows = session.execute(select(BatchRow.root, BatchRow.size, BatchRow.abandoned_at))
        sizes: dict[bytes | None, int | None] = {}
        abandoned: set[bytes | None] = set()
        for root, size, abandoned_at in rows:
            if abandoned_at is None:
                sizes[root] = size
            else:
                abandoned.add(root)
    for anchor in anchors:
        if anchor.operator not in accounts:
            report.count("anchors of others")
            continue
        report.count("anchors")
        if sizes.get(anchor.root) == anchor.size:
            continue
        report.note(
            "abandoned_anchor" if anchor.root in abandoned else "orphan_anchor",
            root=anchor.root.hex(),
            size=anchor.size,
            block=anchor.block,
            operator=anchor.operator,
            # The tree is in the store: the batch can be brought back from it.
            tree_object=stored[anchor.root].hex() if anchor.root in stored else None,
        )


def check_store(report: Reconciliation, database: Database, trees: TreeShelf) -> dict[bytes, bytes]:
    """Store against database: every batch has its object, every object belongs to a batch.

    Returns:
        Names of the objects of no batch by their roots.
    """
    with database.read() as session:
        rows = session.execute(select(BatchRow.id, BatchRow.tree_object, BatchRow.root)).all()
    stored = set(trees.names())  # after the rows: an object is there before its row names it
    report.count("stored trees", len(stored))
    for row in rows:
        if row.tree_object is not None and row.tree_object not in stored:
            root = (row.root or b"").hex()
            report.note("tree_missing", batch=row.id, root=root, object=row.tree_object.hex())
    orphans: dict[bytes, bytes] = {}
    for name in sorted(stored - {row.tree_object for row in rows}):
        try:
            root = trees.read(name).root
        except NotFoundError:
            continue
        except DamagedObjectError:
            report.note("object_damaged", object=name.hex())
            continue
        orphans[root] = name
        if not _is_root(database, root):  # sealed meanwhile
            report.note("orphan_tree", root=root.hex(), object=name.hex())
    return orphans


def _is_root(database: Database, root: bytes) -> bool:
    with database.read() as session:
        return session.scalar(select(BatchRow.id).where(BatchRow.root == root)) is not None


def check_revocations(
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


def check_accounts(report: Reconciliation, database: Database, chain: Chain) -> None:
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


def check_waiting(report: Reconciliation, database: Database, now: datetime) -> None:
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
