"""Compares database, object store and chain, each with each, and reports. Repairs nothing.

What stands on chain can only be lost with the chain; what is in the database can be restored to an
earlier time; what is in the store can be damaged. Each of the three is checked against the other
two, so whichever lost something, it shows.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from registry.anchoring.comparisons import (
    check_accounts,
    check_anchors,
    check_batches,
    check_on_chain,
    check_revocations,
    check_store,
    check_waiting,
)
from registry.anchoring.domain import WriteState
from registry.anchoring.findings import Checkpoint, Reconciliation
from registry.anchoring.models import LedgerWriteRow
from registry.anchoring.ports import AnchorRecord, AuditedChain, BlockRef, Revocation
from registry.anchoring.trees import TreeShelf
from registry.kit.database import Database


def reconcile(
    database: Database,
    chain: AuditedChain,
    trees: TreeShelf,
    *,
    now: datetime,
    since: Checkpoint | None = None,
) -> Reconciliation:
    """Compare everything with everything, or what is new since a full comparison.

    The pipeline may go on meanwhile: what is claimed to be published is read before the chain,
    and what is looked for in the database after it.

    Args:
        database: The database.
        chain: The chain with all of its ledgers.
        trees: The object store.
        now: The present moment.
        since: Leaves, trees, anchors and revocations from before it are not read again. Missing
            and unknown objects, nonces, quarantine and delays are looked for in either case.

    Raises:
        ChainUnavailableError: The chain gave no usable answer; nothing can be said.
    """
    first_write = 0 if since is None else since.write + 1
    with database.read() as session:
        published = list(
            session.scalars(
                select(LedgerWriteRow.id)
                .where(
                    LedgerWriteRow.state == WriteState.PUBLISHED, LedgerWriteRow.id >= first_write
                )
                .order_by(LedgerWriteRow.id)
            )
        )
        unfinished = session.scalar(
            select(func.min(LedgerWriteRow.id)).where(
                LedgerWriteRow.state.not_in([WriteState.PUBLISHED, WriteState.ABANDONED])
            )
        )
    report = Reconciliation(
        chain_id=chain.chain_id, contract=chain.ledger, final=chain.final(), since=since
    )
    seen, anchors, revocations = _read_ledgers(chain, report.final, since)
    for write_id in published:
        check_on_chain(report, database, chain, write_id)
    orphans = check_store(report, database, trees)
    check_batches(report, database, trees, first=first_write)
    check_anchors(report, database, anchors, orphans)
    check_revocations(report, database, revocations)
    check_accounts(report, database, chain)
    check_waiting(report, database, now)
    if since is None:
        last = max(published, default=0)
        write = last if unfinished is None else min(last, unfinished - 1)
        report.reached = Checkpoint(write=write, block=report.final.number, anchors=seen)
    return report


def _read_ledgers(
    chain: AuditedChain, final: BlockRef, since: Checkpoint | None
) -> tuple[dict[str, int], list[AnchorRecord], list[Revocation]]:
    """Return the number of anchors of every ledger, and what is new on any of them."""
    seen: dict[str, int] = {}
    anchors: list[AnchorRecord] = []
    revocations: list[Revocation] = []
    for contract in chain.ledgers:
        ledger = chain.at_ledger(contract)
        before = 0 if since is None else since.anchors.get(contract, 0)
        found = list(ledger.anchors(at=final, since=before))
        seen[contract] = before + len(found)
        anchors += found
        revocations += ledger.revocations(
            until=final, since=0 if since is None else since.block + 1
        )
    return seen, anchors, revocations
