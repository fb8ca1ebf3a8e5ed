"""The pipeline for people: what there is, how far it has come, what the comparisons found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.anchoring.domain import Delay, Event, WriteKind, WriteState
from registry.anchoring.models import (
    BatchRow,
    LedgerWriteRow,
    QuarantineDecisionRow,
    ReconciliationRow,
    WriteAttemptRow,
    WriteStepRow,
)
from registry.anchoring.queue import QueueStatus, queue_status
from registry.anchoring.schemas import BatchDetail, BatchOut, BatchPage, detail_of
from registry.kit.errors import NotFoundError

Gauges = Mapping[str, tuple[str, int]]
_NEVER: Final = -1  # what a gauge says of something that has not happened yet


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStatus:
    """Numbers about the whole pipeline at one moment.

    Attributes:
        queue: What waits to be anchored.
        states: Ledger writes by state; every state is there.
        steps: Transitions ever made by event; every event is there.
        attempts: Transactions ever signed.
        last: The newest comparison that was made or tried, None before the first.
        last_full: The newest full one that could be made.
    """

    queue: QueueStatus
    states: Mapping[WriteState, int]
    steps: Mapping[Event, int]
    attempts: int
    last: ReconciliationRow | None
    last_full: ReconciliationRow | None


def pipeline_status(session: Session, *, now: datetime) -> PipelineStatus:
    """Return the numbers of the pipeline at `now`."""
    states: dict[WriteState, int] = dict.fromkeys(WriteState, 0)
    del states[WriteState.OPEN]  # exists only inside a transaction
    for state, count in session.execute(
        select(LedgerWriteRow.state, func.count()).group_by(LedgerWriteRow.state)
    ):
        states[state] = count
    steps = dict.fromkeys(Event, 0)
    for event, count in session.execute(
        select(WriteStepRow.event, func.count()).group_by(WriteStepRow.event)
    ):
        steps[event] = count
    attempts = session.scalar(select(func.count()).select_from(WriteAttemptRow)) or 0
    return PipelineStatus(
        queue=queue_status(session, now=now),
        states=states,
        steps=steps,
        attempts=attempts,
        last=_newest(session, full=False),
        last_full=_newest(session, full=True),
    )


def pipeline_gauges(session: Session, *, now: datetime) -> Gauges:
    """Return the numbers of the pipeline by name, with their help texts, for `/metrics`.

    Alarms: `lancang_queue_delay` at 2 or more, `lancang_ledger_writes_quarantined` above 0,
    `lancang_reconciliation_discrepancies` other than 0, `lancang_reconciliation_age_seconds`
    above 1800, `lancang_reconciliation_full_age_seconds` above 100000.
    """
    status = pipeline_status(session, now=now)
    queue, last, full = status.queue, status.last, status.last_full
    age = 0 if queue.oldest_at is None else int((now - queue.oldest_at).total_seconds())
    found = None if last is None else last.discrepancies
    gauges: dict[str, tuple[str, int]] = {
        "lancang_queue_leaves": ("Leaves in no batch yet.", queue.queued),
        "lancang_queue_unpublished_leaves": ("Leaves in unpublished batches.", queue.in_progress),
        "lancang_queue_oldest_seconds": ("Age of the oldest unpublished leaf.", age),
        "lancang_queue_delay": (
            "How late that one is: 0 in time, 1 over 10 minutes, 2 over 1 hour, 3 over 4 hours.",
            queue.delay,
        ),
        "lancang_transactions_signed": ("Transactions ever signed.", status.attempts),
        "lancang_reconciliation_discrepancies": (
            "Found by the newest comparison; -1: it could not be made, or there was none.",
            _NEVER if found is None else found,
        ),
        "lancang_reconciliation_age_seconds": (
            "Since the newest comparison that could be made; -1: never.",
            _age(last if found is not None else full, now),
        ),
        "lancang_reconciliation_full_age_seconds": (
            "Since the newest full comparison; -1: never.",
            _age(full, now),
        ),
    }
    for state, count in status.states.items():
        gauges[f"lancang_ledger_writes_{state}"] = (f"Ledger writes in state {state}.", count)
    for event, count in status.steps.items():
        gauges[f"lancang_ledger_steps_{event}"] = (f"Transitions ever made by {event}.", count)
    return gauges


def is_alarming(status: PipelineStatus) -> bool:
    """Tell whether somebody has to look now."""
    late = status.queue.delay >= Delay.ALARM
    differs = status.last is not None and status.last.discrepancies != 0
    return late or differs or status.states[WriteState.QUARANTINED] > 0


def batch_page(
    session: Session,
    *,
    state: WriteState | None = None,
    kind: WriteKind | None = None,
    after: int | None = None,
    limit: int = 50,
) -> BatchPage:
    """Return ledger writes, the newest first."""
    statement = (
        select(LedgerWriteRow, BatchRow)
        .outerjoin(BatchRow, BatchRow.id == LedgerWriteRow.id)
        .order_by(LedgerWriteRow.id.desc())
        .limit(limit + 1)
    )
    if state is not None:
        statement = statement.where(LedgerWriteRow.state == state)
    if kind is not None:
        statement = statement.where(LedgerWriteRow.kind == kind)
    if after is not None:
        statement = statement.where(LedgerWriteRow.id < after)
    rows = session.execute(statement).all()
    shown = rows[:limit]
    return BatchPage(
        items=[BatchOut.of(write, batch) for write, batch in shown],
        next=shown[-1][0].id if len(rows) > limit else None,
    )


def batch_detail(session: Session, write_id: int) -> BatchDetail:
    """Return one ledger write with every transaction, transition and decision.

    Raises:
        NotFoundError: There is none with this id.
    """
    write = session.get(LedgerWriteRow, write_id)
    if write is None:
        raise NotFoundError(f"there is no ledger write {write_id}")
    return detail_of(
        write,
        session.get(BatchRow, write_id),
        attempts=list(
            session.scalars(
                select(WriteAttemptRow)
                .where(WriteAttemptRow.write_id == write_id)
                .order_by(WriteAttemptRow.nonce, WriteAttemptRow.ordinal)
            )
        ),
        steps=list(
            session.scalars(
                select(WriteStepRow)
                .where(WriteStepRow.write_id == write_id)
                .order_by(WriteStepRow.version)
            )
        ),
        decisions=list(
            session.scalars(
                select(QuarantineDecisionRow)
                .where(QuarantineDecisionRow.write_id == write_id)
                .order_by(QuarantineDecisionRow.version)
            )
        ),
    )


def reconciliations(session: Session, *, limit: int = 20) -> list[ReconciliationRow]:
    """Return the newest comparisons, the newest first."""
    statement = select(ReconciliationRow).order_by(ReconciliationRow.id.desc()).limit(limit)
    return list(session.scalars(statement))


def reconciliation(session: Session, row_id: int | None = None) -> ReconciliationRow:
    """Return one comparison, the newest if none is named.

    Raises:
        NotFoundError: There is none.
    """
    newest = row_id is None
    row = _newest(session, full=False) if newest else session.get(ReconciliationRow, row_id)
    if row is None:
        raise NotFoundError("there is no such reconciliation")
    return row


def _newest(session: Session, *, full: bool) -> ReconciliationRow | None:
    statement = select(ReconciliationRow).order_by(ReconciliationRow.id.desc()).limit(1)
    if full:
        statement = statement.where(
            ReconciliationRow.is_full, ReconciliationRow.discrepancies.is_not(None)
        )
    return session.scalars(statement).first()


def _age(row: ReconciliationRow | None, now: datetime) -> int:
    return _NEVER if row is None else max(0, int((now - row.finished_at).total_seconds()))
