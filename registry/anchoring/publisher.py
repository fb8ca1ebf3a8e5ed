"""Moves ledger writes forward, one step at a time, from any state in which a crash left them.

A step reads the database, then asks or tells the chain with no transaction open, then records the
outcome in one transaction. Killed in between, the next step begins at the recorded state and asks
the chain again; nothing that is repeated has a second effect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from registry.anchoring.domain import (
    TRANSACTION_GAS_CAP,
    Event,
    Judgement,
    Patience,
    QuarantineReason,
    SendOutcome,
    Sighting,
    Timing,
    Waiting,
    WriteKind,
    WriteState,
    gas_limit_for,
    judge_mined,
    judge_sent,
    next_nonce,
)
from registry.anchoring.effects import Effect, locate
from registry.anchoring.errors import StateUnavailableError
from registry.anchoring.fees import FeePolicy, Fees, raised
from registry.anchoring.ports import (
    BlockRef,
    Chain,
    ContentKeeper,
    Receipt,
    SignedTransaction,
    TransactionSigner,
    UnsignedTransaction,
)
from registry.anchoring.records import Attempt, Lease, LedgerWrite, Place
from registry.anchoring.repository import LedgerWrites
from registry.anchoring.sealing import rebuild
from registry.anchoring.steps import LedgerSteps
from registry.anchoring.trees import TreeShelf
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.errors import NotFoundError
from registry.kit.objects import DamagedObjectError

_TAKEN = frozenset({SendOutcome.ACCEPTED, SendOutcome.KNOWN, SendOutcome.NONCE_TOO_LOW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What one step did with a ledger write.

    Attributes:
        write: As it was before the step.
        outcome: An event that was recorded, a reason to wait, or a reason for quarantine.
    """

    write: LedgerWrite
    outcome: Judgement

    @property
    def moved(self) -> bool:
        """Another step may follow at once."""
        return isinstance(self.outcome, Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """The sequencer of one account at work.

    Attributes:
        lease: Under which everything is recorded.
        chain: Where the ledger is.
        signer: Holder of the account's key.
        trees: Where batches are kept before they are sent.
        contents: Who keeps what was signed, likewise; None where leaves are all there is.
        clock: The present moment.
    """

    database: Database
    lease: Lease
    chain: Chain
    signer: TransactionSigner
    trees: TreeShelf
    contents: ContentKeeper | None = None
    fees: FeePolicy = field(default_factory=FeePolicy)
    timing: Timing = field(default_factory=Timing)
    clock: Clock = system_clock

    def advance(self, write_id: int) -> Advance:
        """Move a ledger write by one step, or find out why it has to wait.

        Raises:
            ChainUnavailableError: The chain gave no usable answer; nothing was changed.
            LeaseLostError: Another process is the sequencer now; nothing was changed.
            StaleWriteError: The write was moved by somebody else meanwhile.
            ValueError: The write is of another account, or in a state without a next step.
        """
        with self.database.read() as session:
            write = LedgerWrites(session).get(write_id)
        if write.account != self.lease.account:
            raise ValueError(f"ledger write {write.id} belongs to account {write.account}")
        match write.state:
            case WriteState.SEALED:
                outcome = self._advance_sealed(write)
            case WriteState.TRANSACTION_SIGNED:
                outcome = self._send(write, Event.SEND)
            case WriteState.SENT:
                outcome = self._look(write)
            case WriteState.MINED:
                outcome = self._confirm(write)
            case WriteState.FINAL:
                outcome = self._publish(write)
            case (
                WriteState.OPEN
                | WriteState.PUBLISHED
                | WriteState.QUARANTINED
                | WriteState.ABANDONED
            ):
                raise ValueError(f"ledger write {write.id} is {write.state}: nothing to advance")
            case _:
                assert_never(write.state)
        if outcome != write.waiting and isinstance(outcome, Waiting):
            self._record(lambda steps: steps.wait(write, outcome))
        elif isinstance(outcome, QuarantineReason):
            self._record(lambda steps: steps.quarantine(write, outcome))
        return Advance(write=write, outcome=outcome)

    def quarantine(self, write_id: int, reason: QuarantineReason) -> None:
        """Set a write aside, for example because reconciliation misses its effect."""
        with self.database.read() as session:
            write = LedgerWrites(session).get(write_id)
        self._record(lambda steps: steps.quarantine(write, reason))

    # sealed

    def _advance_sealed(self, write: LedgerWrite) -> Judgement:
        if write.kind is WriteKind.ANCHOR:
            with self.database.read() as session:
                batch = LedgerWrites(session).batch(write.id)
            if batch.tree_object is None:
                tree = rebuild(self.database, batch)
                if tree is None:
                    return QuarantineReason.ROOT_MISMATCH
                try:
                    name = self.trees.put(tree)
                    if self.contents is not None:
                        self.contents.keep(batch)
                except DamagedObjectError:
                    return QuarantineReason.OBJECT_MISMATCH
                self._record(lambda steps: steps.store(write, name))
                return Event.STORE
            if self._is_ahead(write):
                return Waiting.DATED_AHEAD
        return self._sign(write)

    def _sign(self, write: LedgerWrite) -> Judgement:
        head, ledger = self.chain.head(), self.chain.at_ledger(write.contract)
        place = locate(self._effect(write), ledger, at=head)
        if not self._counts(write, head.number + 1 if place is None else place.block):
            return QuarantineReason.LEDGER_CLOSED
        if place is not None:
            self._record(lambda steps: steps.place(write, Event.ADOPT, place))
            return Event.ADOPT
        estimate = self.chain.estimate_gas(write.account, write.contract, write.call_data)
        if estimate is None or estimate > TRANSACTION_GAS_CAP:
            return Waiting.CALL_REFUSED
        gas_limit, fees = gas_limit_for(estimate), self.chain.quote()
        if not self.fees.allows(fees, gas_limit=gas_limit):
            return Waiting.FEE_CAP_REACHED
        if self.chain.balance(write.account) < fees.max_fee * gas_limit:
            return Waiting.NO_GAS_MONEY
        on_chain = self.chain.transaction_count(write.account, head)
        with self.database.read() as session:
            recorded = LedgerWrites(session).next_nonce(write.account)
        nonce = next_nonce(recorded=recorded, on_chain=on_chain)
        signed = self._signed(write, nonce=nonce, gas_limit=gas_limit, fees=fees)
        self._record(
            lambda steps: steps.sign(write, signed, nonce=nonce, gas_limit=gas_limit, fees=fees)
        )
        return Event.SIGN

    def _is_ahead(self, write: LedgerWrite) -> bool:
        """Tell whether a batch was signed by a clock that is ahead of the chain."""
        if self.timing.max_lead is None:
            return False
        with self.database.read() as session:
            newest = LedgerWrites(session).newest_leaf(write.id)
        head = self.chain.head()
        return self.timing.is_ahead(dated=int(newest.timestamp()), head=head.time)

    # transaction_signed and sent

    def _send(self, write: LedgerWrite, event: Event) -> Judgement:
        attempt = self._attempts(write)[-1]
        outcome = self.chain.send(attempt.raw)
        if outcome in _TAKEN or outcome is SendOutcome.UNDERPRICED:
            self._record(lambda steps: steps.send(write, event, attempt, outcome))
            return event
        self._record(lambda steps: steps.note_outcome(attempt, outcome))
        no_money = outcome is SendOutcome.NO_GAS_MONEY
        return Waiting.NO_GAS_MONEY if no_money else Waiting.SEND_REFUSED

    def _look(self, write: LedgerWrite) -> Judgement:
        attempts = self._attempts(write)
        newest, nonce = attempts[-1], attempts[-1].nonce
        # In this order: what is final when we begin has its receipts when we ask for them.
        count_final = self.chain.transaction_count(write.account, self.chain.final())
        receipt = self._receipt(attempts)
        head = self.chain.head()
        count = self.chain.transaction_count(write.account, head)
        place = None
        if receipt is not None or count > nonce:
            ledger = self.chain.at_ledger(write.contract)
            place = locate(self._effect(write), ledger, at=head)
        sighting = Sighting(
            succeeded=None if receipt is None else receipt.succeeded,
            is_on_ledger=place is not None,
            nonce_is_spent=count > nonce,
            nonce_is_finally_spent=count_final > nonce,
            is_next=count == nonce,
        )
        judgement = judge_sent(sighting, self._patience(newest), self.timing)
        if judgement is Event.RESEND:
            return self._send(write, judgement)
        if judgement is Event.REPLACE:
            return self._replace(write, newest)
        if judgement is Event.MINE and place is not None and receipt is not None:
            mined = self._mined_place(place, receipt)
            if mined is None:
                return Waiting.PENDING
            self._record(lambda steps: steps.place(write, Event.MINE, mined))
        elif judgement is Event.ADOPT and place is not None:
            self._record(lambda steps: steps.place(write, Event.ADOPT, place))
        return judgement

    def _mined_place(self, place: Place, receipt: Receipt) -> Place | None:
        """Return the block of our receipt, or an earlier one in which the effect came to stand.

        None when the receipt's block is no longer there; the next look will tell.
        """
        if place.block < receipt.block:
            return place
        block = self.chain.block_at(receipt.block)
        if block is None or block.hash != receipt.block_hash:
            return None
        return Place(
            block=block.number,
            block_hash=block.hash,
            time=block.time,
            transaction_hash=receipt.transaction_hash,
        )

    def _replace(self, write: LedgerWrite, previous: Attempt) -> Judgement:
        fees = raised(previous.fees, self.chain.quote())
        gas_limit = write.gas_limit or 0
        if fees is None or not self.fees.allows(fees, gas_limit=gas_limit):
            # Nothing can be raised, or nothing may: what we have stays in front of the nodes.
            if (self._patience(previous).since_last_sent or 0) >= self.timing.resend_after:
                return self._send(write, Event.RESEND)
            return Waiting.PENDING if fees is None else Waiting.FEE_CAP_REACHED
        signed = self._signed(write, nonce=previous.nonce, gas_limit=gas_limit, fees=fees)
        self._record(lambda steps: steps.replace(write, signed, previous=previous, fees=fees))
        return Event.REPLACE

    # mined and final

    def _confirm(self, write: LedgerWrite) -> Judgement:
        place = _place_of(write)
        final = self.chain.final()
        block = self.chain.block_at(place.block)
        is_canonical = block is not None and block.hash == place.block_hash
        judgement = judge_mined(
            is_canonical=is_canonical,
            is_on_ledger=block is not None
            and is_canonical
            and self._stands(write, place, block=block, final=final),
            is_final=place.block <= final.number,
            has_transaction=write.nonce is not None,
        )
        if judgement is Event.FINALISE:
            if not self._counts(write, place.block):
                return QuarantineReason.LEDGER_CLOSED
            self._record(lambda steps: steps.advance(write, Event.FINALISE))
        elif isinstance(judgement, Event):
            self._record(lambda steps: steps.displace(write, judgement))
        return judgement

    def _stands(
        self, write: LedgerWrite, place: Place, *, block: BlockRef, final: BlockRef
    ) -> bool:
        """Ask the contract at the block of the effect whether the effect is there."""
        effect, ledger = self._effect(write), self.chain.at_ledger(write.contract)
        try:
            return effect.seen(ledger, block) == block.number
        except StateUnavailableError:
            # A node may keep no state of old blocks, such as those before its restart.
            if final.number < block.number:
                raise
        if effect.is_permanent:
            return effect.seen_later(ledger, block, at=final)
        receipt = place.transaction_hash and self.chain.receipt(place.transaction_hash)
        return bool(receipt and receipt.succeeded and receipt.block_hash == block.hash)

    def _publish(self, write: LedgerWrite) -> Judgement:
        if write.kind is WriteKind.ANCHOR:
            with self.database.read() as session:
                batch = LedgerWrites(session).batch(write.id)
            try:
                tree = self.trees.get(batch.tree_object or b"")
            except (NotFoundError, DamagedObjectError, ValueError):
                return QuarantineReason.OBJECT_MISMATCH
            if (tree.root, tree.size) != (batch.root, batch.size):
                return QuarantineReason.OBJECT_MISMATCH
        self._record(lambda steps: steps.advance(write, Event.PUBLISH))
        return Event.PUBLISH

    # shared

    def _counts(self, write: LedgerWrite, block: int) -> bool:
        """Tell whether verifiers count an effect in that block: a status bit does in any.

        An anchor counts only where the generation of its contract speaks.
        """
        is_anchor = write.kind is WriteKind.ANCHOR
        return not is_anchor or self.chain.at_ledger(write.contract).speaks_for(block)

    def _effect(self, write: LedgerWrite) -> Effect:
        with self.database.read() as session:
            return LedgerWrites(session).effect(write)

    def _attempts(self, write: LedgerWrite) -> list[Attempt]:
        with self.database.read() as session:
            return LedgerWrites(session).attempts(write)

    def _receipt(self, attempts: list[Attempt]) -> Receipt | None:
        """Return the receipt of whichever attempt has one; at most one can have it."""
        found = (self.chain.receipt(attempt.hash) for attempt in reversed(attempts))
        return next((receipt for receipt in found if receipt is not None), None)

    def _patience(self, attempt: Attempt) -> Patience:
        now = int(self.clock().timestamp())
        since, last = attempt.in_flight_since, attempt.last_sent_at
        return Patience(
            in_flight=0 if since is None else max(0, now - since),
            since_last_sent=None if last is None else max(0, now - last),
            outcome=attempt.outcome,
        )

    def _signed(
        self, write: LedgerWrite, *, nonce: int, gas_limit: int, fees: Fees
    ) -> SignedTransaction:
        return self.signer.sign(
            UnsignedTransaction(
                chain_id=self.chain.chain_id,
                nonce=nonce,
                to=write.contract,
                data=write.call_data,
                gas_limit=gas_limit,
                fees=fees,
            )
        )

    def _record(self, record: Callable[[LedgerSteps], None]) -> None:
        with self.database.begin() as session:
            record(LedgerSteps(session, self.lease, now=self.clock()))


def _place_of(write: LedgerWrite) -> Place:
    if write.place is None:
        raise ValueError(f"ledger write {write.id} is {write.state} without a block")
    return write.place
