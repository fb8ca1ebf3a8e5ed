"""Shapes of `/v1/batches` and `/v1/reconciliations`: the pipeline for operators and auditors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from registry.anchoring.domain import (
    Decision,
    Event,
    QuarantineReason,
    SendOutcome,
    WriteKind,
    WriteState,
)
from registry.anchoring.models import (
    BatchRow,
    LedgerWriteRow,
    QuarantineDecisionRow,
    ReconciliationRow,
    WriteAttemptRow,
    WriteStepRow,
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BatchQuery(_Body):
    """Which ledger writes are listed."""

    state: WriteState | None = None
    kind: WriteKind | None = None
    after: Annotated[int | None, Field(ge=1, description="Last id of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class BatchOut(_Body):
    """One ledger write: a batch, or a change of status, with how far it has come."""

    id: int
    kind: WriteKind
    state: WriteState
    account: str
    contract: str
    root: str | None
    size: int | None
    tree_object: str | None
    nonce: int | None
    block: int | None
    block_hash: str | None
    transaction: str | None
    effective_at: datetime | None
    waiting: Annotated[str | None, Field(description="Why the last look changed nothing.")]
    quarantine: QuarantineReason | None
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, write: LedgerWriteRow, batch: BatchRow | None) -> Self:
        """Return the shape of a row; `batch` is None for a change of status."""
        return cls(**_members(write, batch))


class AttemptOut(_Body):
    """One signed transaction of a ledger write. Fees are wei per gas, as decimal strings."""

    hash: str
    nonce: int
    ordinal: int
    max_fee: str
    priority_fee: str
    signed_at: datetime
    in_flight_since: datetime | None
    last_sent_at: datetime | None
    outcome: SendOutcome | None

    @classmethod
    def of(cls, row: WriteAttemptRow) -> Self:
        """Return the shape of a row."""
        return cls(
            hash=f"0x{row.hash.hex()}",
            nonce=row.nonce,
            ordinal=row.ordinal,
            max_fee=str(row.max_fee),
            priority_fee=str(row.priority_fee),
            signed_at=row.signed_at,
            in_flight_since=row.in_flight_since,
            last_sent_at=row.last_sent_at,
            outcome=row.outcome,
        )


class StepOut(_Body):
    """One transition: what happened, the state after it, and when."""

    version: int
    event: Event
    state: WriteState
    at: datetime

    @classmethod
    def of(cls, row: WriteStepRow) -> Self:
        """Return the shape of a row."""
        return cls(version=row.version, event=row.event, state=row.state, at=row.at)


class DecisionOut(_Body):
    """What a person decided about the write while it was in quarantine."""

    version: int
    quarantine: QuarantineReason
    decision: Decision
    actor: str
    words: str
    decided_at: datetime

    @classmethod
    def of(cls, row: QuarantineDecisionRow) -> Self:
        """Return the shape of a row."""
        return cls(
            version=row.version,
            quarantine=row.quarantine,
            decision=row.decision,
            actor=row.actor,
            words=row.words,
            decided_at=row.decided_at,
        )


class BatchDetail(BatchOut):
    """A ledger write with every transaction, transition and decision."""

    attempts: list[AttemptOut]
    steps: list[StepOut]
    decisions: list[DecisionOut]


class BatchPage(_Body):
    """A page of ledger writes, the newest first; `next` is `after` of the page that follows."""

    items: list[BatchOut]
    next: int | None


class ReconciliationOut(_Body):
    """One comparison; `discrepancies` is null when it could not be made."""

    id: int
    full: bool
    started_at: datetime
    finished_at: datetime
    final_block: int | None
    discrepancies: int | None

    @classmethod
    def of(cls, row: ReconciliationRow) -> Self:
        """Return the shape of a row."""
        return cls(
            id=row.id,
            full=row.is_full,
            started_at=row.started_at,
            finished_at=row.finished_at,
            final_block=row.final_block,
            discrepancies=row.discrepancies,
        )


class ReconciliationDetail(ReconciliationOut):
    """One comparison with its whole report."""

    report: dict[str, Any]


def detail_of(
    write: LedgerWriteRow,
    batch: BatchRow | None,
    *,
    attempts: list[WriteAttemptRow],
    steps: list[WriteStepRow],
    decisions: list[QuarantineDecisionRow],
) -> BatchDetail:
    """Return everything about a ledger write."""
    return BatchDetail(
        **_members(write, batch),
        attempts=[AttemptOut.of(row) for row in attempts],
        steps=[StepOut.of(row) for row in steps],
        decisions=[DecisionOut.of(row) for row in decisions],
    )


def _members(write: LedgerWriteRow, batch: BatchRow | None) -> dict[str, Any]:
    return {
        "id": write.id,
        "kind": write.kind,
        "state": write.state,
        "account": write.account,
        "contract": write.contract,
        "root": _hex(None if batch is None else batch.root),
        "size": None if batch is None else batch.size,
        "tree_object": _hex(None if batch is None else batch.tree_object),
        "nonce": write.nonce,
        "block": write.block,
        "block_hash": _hex(write.block_hash, "0x"),
        "transaction": _hex(write.transaction_hash, "0x"),
        "effective_at": write.effective_at,
        "waiting": write.waiting,
        "quarantine": write.quarantine,
        "created_at": write.created_at,
        "changed_at": write.changed_at,
    }


def _hex(value: bytes | None, prefix: str = "") -> str | None:
    return None if value is None else prefix + value.hex()
