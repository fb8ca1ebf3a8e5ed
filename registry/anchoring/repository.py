"""SQL that reads the pipeline's tables. What changes them is `registry.anchoring.steps`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.anchoring.domain import ACTIVE_STATES, WriteKind, WriteState
from registry.anchoring.effects import AnchorEffect, Effect, LeafRevocationEffect, StatusEffect
from registry.anchoring.fees import Fees
from registry.anchoring.models import (
    AccountRow,
    BatchRow,
    LeafRow,
    LedgerWriteRow,
    StatusChangeRow,
    WriteAttemptRow,
    WriteStepRow,
)
from registry.anchoring.records import Attempt, Batch, LedgerWrite, Place
from registry.anchoring.status_words import load_words
from registry.kit.errors import NotFoundError

_LEAVES_AT_A_TIME = 10_000


class LedgerWrites:
    """Reads ledger writes. Values returned stay usable after the transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, write_id: int) -> LedgerWrite:
        """Return one ledger write.

        Raises:
            NotFoundError: There is none with this id.
        """
        row = self._session.get(LedgerWriteRow, write_id)
        if row is None:
            raise NotFoundError(f"there is no ledger write {write_id}")
        return _write(row)

    def active_of(self, account: str) -> list[int]:
        """Return the ids of the unfinished writes of an account, oldest first.

        Those with a nonce come first, in its order, because the chain takes them in that order.
        """
        statement = (
            select(LedgerWriteRow.id)
            .where(LedgerWriteRow.account == account, LedgerWriteRow.state.in_(ACTIVE_STATES))
            .order_by(LedgerWriteRow.nonce.is_(None), LedgerWriteRow.nonce, LedgerWriteRow.id)
        )
        return list(self._session.scalars(statement))

    def attempts(self, write: LedgerWrite) -> list[Attempt]:
        """Return the attempts with the present nonce of a write, oldest first."""
        statement = (
            select(WriteAttemptRow)
            .where(WriteAttemptRow.write_id == write.id, WriteAttemptRow.nonce == write.nonce)
            .order_by(WriteAttemptRow.ordinal)
        )
        return [_attempt(row) for row in self._session.scalars(statement)]

    def next_nonce(self, account: str) -> int:
        """Return the first nonce that no transaction of ours has taken."""
        statement = select(AccountRow.next_nonce).where(AccountRow.address == account)
        return self._session.execute(statement).scalar_one()

    def batch(self, write_id: int) -> Batch:
        """Return the batch that a write anchors.

        Raises:
            NotFoundError: There is none.
        """
        row = self._session.get(BatchRow, write_id)
        if row is None or row.root is None or row.size is None:
            raise NotFoundError(f"there is no sealed batch {write_id}")
        return Batch(id=row.id, root=row.root, size=row.size, tree_object=row.tree_object)

    def leaves(self, batch_id: int) -> Iterator[bytes]:
        """Yield the leaves of a batch in their order, without holding them all."""
        statement = (
            select(LeafRow.leaf)
            .where(LeafRow.batch_id == batch_id)
            .order_by(LeafRow.position)
            .execution_options(yield_per=_LEAVES_AT_A_TIME)
        )
        # Of the connection: the session's own rows cost four times as much, for a million leaves.
        yield from self._session.connection().execute(statement).scalars()

    def newest_leaf(self, batch_id: int) -> datetime:
        """Return when the newest leaf of a batch was queued, which is when it was signed."""
        statement = select(func.max(LeafRow.queued_at)).where(LeafRow.batch_id == batch_id)
        return self._session.execute(statement).scalar_one()

    def effect(self, write: LedgerWrite) -> Effect:
        """Return what a write changes on chain."""
        if write.kind is WriteKind.ANCHOR:
            batch = self.batch(write.id)
            return AnchorEffect(batch.root, batch.size)
        row = self._session.get_one(StatusChangeRow, write.id)
        if row.leaf is not None:
            return LeafRevocationEffect(row.body_id, row.leaf)
        if row.list_number is None or row.words is None:
            raise ValueError(f"change of status {row.id} names neither words nor a leaf")
        return StatusEffect(
            act=row.act,
            body_id=row.body_id,
            list_number=row.list_number,
            words=load_words(row.words),
            by_party=row.by_party,
        )


def quarantined(session: Session) -> list[LedgerWrite]:
    """Return every ledger write that a person has to decide about, oldest first."""
    statement = (
        select(LedgerWriteRow)
        .where(LedgerWriteRow.state == WriteState.QUARANTINED)
        .order_by(LedgerWriteRow.id)
    )
    return [_write(row) for row in session.scalars(statement)]


def steps_of(session: Session, write_id: int) -> Sequence[WriteStepRow]:
    """Return every step that a ledger write has taken, in order."""
    statement = (
        select(WriteStepRow).where(WriteStepRow.write_id == write_id).order_by(WriteStepRow.version)
    )
    return session.scalars(statement).all()


def _write(row: LedgerWriteRow) -> LedgerWrite:
    place = None
    if row.block is not None and row.block_hash is not None and row.effective_at is not None:
        place = Place(
            block=row.block,
            block_hash=row.block_hash,
            time=_seconds(row.effective_at),
            transaction_hash=row.transaction_hash,
        )
    return LedgerWrite(
        id=row.id,
        kind=row.kind,
        account=row.account,
        contract=row.contract,
        call_data=row.call_data or b"",
        state=row.state,
        version=row.version,
        nonce=row.nonce,
        gas_limit=row.gas_limit,
        place=place,
        waiting=row.waiting,
        quarantine=row.quarantine,
    )


def _attempt(row: WriteAttemptRow) -> Attempt:
    return Attempt(
        hash=row.hash,
        raw=row.raw,
        nonce=row.nonce,
        ordinal=row.ordinal,
        fees=Fees(max_fee=row.max_fee, priority=row.priority_fee),
        signed_at=_seconds(row.signed_at),
        in_flight_since=None if row.in_flight_since is None else _seconds(row.in_flight_since),
        last_sent_at=None if row.last_sent_at is None else _seconds(row.last_sent_at),
        outcome=row.outcome,
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
