"""SQL that moves ledger writes. Every step names the lease and the version that it is made from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from registry.anchoring.domain import (
    Event,
    QuarantineReason,
    SendOutcome,
    Waiting,
    WriteKind,
    WriteState,
    transition,
)
from registry.anchoring.errors import StaleWriteError
from registry.anchoring.fees import Fees
from registry.anchoring.leases import fence
from registry.anchoring.models import (
    AccountRow,
    BatchRow,
    LedgerWriteRow,
    WriteAttemptRow,
    WriteStepRow,
)
from registry.anchoring.ports import SignedTransaction
from registry.anchoring.records import Attempt, Lease, LedgerWrite, Place


class LedgerSteps:
    """Records steps of ledger writes, one writing transaction at a time.

    Args:
        session: A writing transaction.
        lease: Under which the step is made; checked at once.
        now: Time of the step.

    Raises:
        LeaseLostError: Another process has become the sequencer of the account.
    """

    def __init__(self, session: Session, lease: Lease, *, now: datetime) -> None:
        fence(session, lease)
        self._session = session
        self._lease = lease
        self._now = now

    def open(self, kind: WriteKind, contract: str) -> LedgerWriteRow:
        """Begin a ledger write, to be sealed in this same transaction."""
        return open_write(
            self._session, kind, account=self._lease.account, contract=contract, now=self._now
        )

    def seal(self, row: LedgerWriteRow, call_data: bytes) -> None:
        """Fix what a ledger write brings on chain."""
        seal_write(self._session, row, call_data, now=self._now)

    def store(self, write: LedgerWrite, tree_object: bytes) -> None:
        """Record where the tree of a batch is kept."""
        self._step(write, Event.STORE)
        self._session.execute(
            update(BatchRow).where(BatchRow.id == write.id).values(tree_object=tree_object)
        )

    def sign(
        self,
        write: LedgerWrite,
        signed: SignedTransaction,
        *,
        nonce: int,
        gas_limit: int,
        fees: Fees,
    ) -> None:
        """Record the first signed transaction of a write and take its nonce."""
        taken = self._session.execute(
            update(AccountRow)
            .where(AccountRow.address == write.account, AccountRow.next_nonce <= nonce)
            .values(next_nonce=nonce + 1)
            .returning(AccountRow.address)
        ).first()
        if taken is None:
            raise StaleWriteError(f"nonce {nonce} of account {write.account} is taken")
        self._step(write, Event.SIGN, nonce=nonce, gas_limit=gas_limit)
        self._add_attempt(write, signed, nonce=nonce, ordinal=1, fees=fees)

    def replace(
        self, write: LedgerWrite, signed: SignedTransaction, *, previous: Attempt, fees: Fees
    ) -> None:
        """Record a signed transaction that takes the place of an earlier one."""
        self._step(write, Event.REPLACE)
        self._add_attempt(
            write, signed, nonce=previous.nonce, ordinal=previous.ordinal + 1, fees=fees
        )

    def send(
        self, write: LedgerWrite, event: Event, attempt: Attempt, outcome: SendOutcome
    ) -> None:
        """Record that an attempt was sent, for the first time (SEND) or again (RESEND)."""
        self._step(write, event)
        since = self._now if attempt.in_flight_since is None else _moment(attempt.in_flight_since)
        self._session.execute(
            update(WriteAttemptRow)
            .where(WriteAttemptRow.hash == attempt.hash)
            .values(in_flight_since=since, last_sent_at=self._now, outcome=outcome)
        )

    def place(self, write: LedgerWrite, event: Event, place: Place) -> None:
        """Record where the effect stands (MINE or ADOPT)."""
        self._step(
            write,
            event,
            block=place.block,
            block_hash=place.block_hash,
            transaction_hash=place.transaction_hash,
            effective_at=_moment(place.time),
        )

    def displace(self, write: LedgerWrite, event: Event) -> None:
        """Record that the block is gone (REORGANISE, FORGET)."""
        self._step(
            write, event, block=None, block_hash=None, transaction_hash=None, effective_at=None
        )
        ask_for_sending(self._session, write)

    def advance(self, write: LedgerWrite, event: Event) -> None:
        """Record a step that changes nothing but the state (FINALISE, PUBLISH)."""
        self._step(write, event)

    def quarantine(self, write: LedgerWrite, reason: QuarantineReason) -> None:
        """Set a write aside until a person decides."""
        self._step(write, Event.QUARANTINE, quarantine=reason)

    def wait(self, write: LedgerWrite, waiting: Waiting) -> None:
        """Note why a look changed nothing."""
        self._session.execute(
            update(LedgerWriteRow)
            .where(LedgerWriteRow.id == write.id, LedgerWriteRow.version == write.version)
            .values(waiting=waiting.value)
        )

    def note_outcome(self, attempt: Attempt, outcome: SendOutcome) -> None:
        """Note what a node said about an attempt that it did not take."""
        self._session.execute(
            update(WriteAttemptRow)
            .where(WriteAttemptRow.hash == attempt.hash)
            .values(outcome=outcome)
        )

    def _step(self, write: LedgerWrite, event: Event, **changes: Any) -> None:  # noqa: ANN401
        step_write(self._session, write, event, now=self._now, **changes)

    def _add_attempt(
        self, write: LedgerWrite, signed: SignedTransaction, *, nonce: int, ordinal: int, fees: Fees
    ) -> None:
        self._session.add(
            WriteAttemptRow(
                hash=signed.hash,
                write_id=write.id,
                nonce=nonce,
                ordinal=ordinal,
                raw=signed.raw,
                max_fee=fees.max_fee,
                priority_fee=fees.priority,
                signed_at=self._now,
            )
        )


def step_write(
    session: Session,
    write: LedgerWrite,
    event: Event,
    *,
    now: datetime,
    **changes: Any,  # noqa: ANN401
) -> None:
    """Record one step, with the changes of the write's row that belong to it.

    Raises:
        StaleWriteError: The write has moved on since it was read.
        ImpossibleTransitionError: There is no such step from its state.
    """
    state = transition(write.state, event)
    changed = session.execute(
        update(LedgerWriteRow)
        .where(LedgerWriteRow.id == write.id, LedgerWriteRow.version == write.version)
        .values(state=state, version=write.version + 1, waiting=None, changed_at=now, **changes)
        .returning(LedgerWriteRow.id)
    ).first()
    if changed is None:
        raise StaleWriteError(f"ledger write {write.id} has moved on from {write.state}")
    session.add(
        WriteStepRow(write_id=write.id, version=write.version + 1, event=event, state=state, at=now)
    )


def ask_for_sending(session: Session, write: LedgerWrite) -> None:
    """Have the transactions with the present nonce of a write sent again."""
    session.execute(
        update(WriteAttemptRow)
        .where(WriteAttemptRow.write_id == write.id, WriteAttemptRow.nonce == write.nonce)
        .values(in_flight_since=None, last_sent_at=None)
    )


def open_write(
    session: Session, kind: WriteKind, *, account: str, contract: str, now: datetime
) -> LedgerWriteRow:
    """Begin a ledger write that is sealed in the same transaction."""
    row = LedgerWriteRow(
        kind=kind,
        account=account,
        contract=contract,
        state=WriteState.OPEN,
        version=0,
        created_at=now,
        changed_at=now,
    )
    session.add(row)
    session.flush()
    return row


def seal_write(session: Session, row: LedgerWriteRow, call_data: bytes, *, now: datetime) -> None:
    """Fix what a ledger write brings on chain; from here on the publisher takes over."""
    row.call_data = call_data
    row.state = transition(row.state, Event.SEAL)
    row.version += 1
    session.add(
        WriteStepRow(
            write_id=row.id, version=row.version, event=Event.SEAL, state=row.state, at=now
        )
    )
    session.flush()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
