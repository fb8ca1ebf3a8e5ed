"""The rules of the anchoring pipeline: states, judgements, fees, delays. Pure.

A *ledger write* is one thing that must come to stand on chain exactly once in effect: the anchor of
a batch, or a change of status. Both walk the same states:

    open -> sealed -> transaction_signed -> sent -> mined -> final -> published

The chain can take a step back (mined -> sent), a write that is stuck stays where it is with the
same nonce and higher fees (sent -> sent), and whatever contradicts the record waits in quarantine
until a person decides: to go on with it, or to abandon it. Times are Unix seconds, fees wei.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from verifier.core.limits import MAX_BATCH_LEAVES

TRANSACTION_GAS_CAP: Final = 16_777_216  # EIP-7825: networks refuse a transaction with more


class LeafKind(StrEnum):
    """What the signed entry behind a leaf is."""

    CERTIFICATE = "certificate"
    RECORD = "record"
    CO_SIGNATURE = "co_signature"
    RELEASE_STATEMENT = "release_statement"
    SUMMARY = "summary"
    WRITE_OFF = "write_off"
    AUDIT_HEAD = "audit_head"  # not signed: place and hash of the newest act of the audit trail


class WriteKind(StrEnum):
    """What a ledger write brings on chain."""

    ANCHOR = "anchor"
    STATUS = "status"


class LedgerAct(StrEnum):
    """What a change of status does."""

    REVOKE = "revoke"
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE_LEAF = "revoke_leaf"


class WriteState(StrEnum):
    """How far a ledger write has come. OPEN exists only inside the sealing transaction."""

    OPEN = "open"
    SEALED = "sealed"
    TRANSACTION_SIGNED = "transaction_signed"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    ABANDONED = "abandoned"  # a batch that will never be anchored; its leaves went back


class Event(StrEnum):
    """What moves a ledger write from one state to another."""

    SEAL = "seal"
    STORE = "store"  # root recomputed from rows read back, proof material safe in the object store
    SIGN = "sign"
    ADOPT = "adopt"  # the contract already says so, by whatever transaction
    SEND = "send"
    RESEND = "resend"  # the same bytes once more
    REPLACE = "replace"  # the same nonce with higher fees
    MINE = "mine"
    REORGANISE = "reorganise"  # the block is gone; the same bytes are sent again
    FORGET = "forget"  # the block of an adopted effect is gone, and there are no bytes of ours
    FINALISE = "finalise"
    PUBLISH = "publish"
    QUARANTINE = "quarantine"
    RESUME = "resume"  # a person decides: send the same bytes again
    RESTART = "restart"  # a person decides: look again, sign anew if need be
    ABANDON = "abandon"  # a person decides: the leaves go back to the queue


_S = WriteState
TRANSITIONS: Final[Mapping[tuple[WriteState, Event], WriteState]] = MappingProxyType(
    {
        (_S.OPEN, Event.SEAL): _S.SEALED,
        (_S.SEALED, Event.STORE): _S.SEALED,
        (_S.SEALED, Event.SIGN): _S.TRANSACTION_SIGNED,
        (_S.SEALED, Event.ADOPT): _S.MINED,
        (_S.SEALED, Event.QUARANTINE): _S.QUARANTINED,
        # A signed transaction is always sent, even when its effect is already there: otherwise
        # its nonce would stay unused and hold up every later transaction of the account.
        (_S.TRANSACTION_SIGNED, Event.SEND): _S.SENT,
        (_S.SENT, Event.RESEND): _S.SENT,
        (_S.SENT, Event.REPLACE): _S.SENT,
        (_S.SENT, Event.MINE): _S.MINED,
        (_S.SENT, Event.ADOPT): _S.MINED,
        (_S.SENT, Event.QUARANTINE): _S.QUARANTINED,
        (_S.MINED, Event.REORGANISE): _S.SENT,
        (_S.MINED, Event.FORGET): _S.SEALED,
        (_S.MINED, Event.FINALISE): _S.FINAL,
        (_S.MINED, Event.QUARANTINE): _S.QUARANTINED,
        (_S.FINAL, Event.PUBLISH): _S.PUBLISHED,
        (_S.FINAL, Event.QUARANTINE): _S.QUARANTINED,
        (_S.PUBLISHED, Event.QUARANTINE): _S.QUARANTINED,
        (_S.QUARANTINED, Event.RESUME): _S.SENT,
        (_S.QUARANTINED, Event.RESTART): _S.SEALED,
        (_S.QUARANTINED, Event.ADOPT): _S.MINED,
        (_S.QUARANTINED, Event.ABANDON): _S.ABANDONED,
    }
)
ACTIVE_STATES: Final = frozenset(_S) - {_S.OPEN, _S.PUBLISHED, _S.QUARANTINED, _S.ABANDONED}


class ImpossibleTransitionError(ValueError):
    """The state machine has no such step; the caller has a defect."""


def transition(state: WriteState, event: Event) -> WriteState:
    """Return the state after `event`.

    Raises:
        ImpossibleTransitionError: `event` cannot happen in `state`.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ImpossibleTransitionError(f"{event} is impossible in state {state}") from None


class QuarantineReason(StrEnum):
    """Why a person must look."""

    ROOT_MISMATCH = "root_mismatch"  # rows read back give another root than the sealed one
    OBJECT_MISMATCH = "object_mismatch"  # stored proof material leads elsewhere
    REVERTED = "reverted"  # the contract refused, finally
    NONCE_TAKEN = "nonce_taken"  # another transaction finally used the account's nonce
    LEDGER_DISAGREES = "ledger_disagrees"  # mined with success, yet the contract says otherwise
    EFFECT_VANISHED = "effect_vanished"  # gone after it was final
    LEDGER_CLOSED = "ledger_closed"  # verifiers no longer count what that contract takes


class Waiting(StrEnum):
    """Why nothing could be done now; shown to people, counted in metrics."""

    PENDING = "pending"  # sent, not mined
    BEHIND_OLDER = "behind_older"  # an older transaction of the account comes first
    NONCE_SPENT = "nonce_spent"  # the nonce is used up, by what is not known for certain yet
    REVERTED_NOT_FINAL = "reverted_not_final"
    LEDGER_DISAGREES = "ledger_disagrees"
    NOT_FINAL = "not_final"
    FEE_CAP_REACHED = "fee_cap_reached"
    NO_GAS_MONEY = "no_gas_money"
    CALL_REFUSED = "call_refused"  # the contract would refuse it now: not authorised, or paused
    SEND_REFUSED = "send_refused"
    DATED_AHEAD = "dated_ahead"  # what is signed is dated later than the chain: a clock is wrong


class SendOutcome(StrEnum):
    """What a node said when it was handed a signed transaction."""

    ACCEPTED = "accepted"
    KNOWN = "known"  # it has these bytes already
    NONCE_TOO_LOW = "nonce_too_low"  # perhaps mined: go and look
    UNDERPRICED = "underpriced"  # below the base fee, or no sufficient replacement
    NO_GAS_MONEY = "no_gas_money"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient the publisher is, in seconds.

    Attributes:
        resend_after: The same bytes are sent again when unmined for so long; nodes forget.
        replace_after: Fees are raised when an attempt is unmined for so long.
        max_lead: What is dated further ahead of the newest block is not anchored yet: a verifier
            finds a certificate wrong that is dated after its anchor. None: it is not looked at.
    """

    resend_after: int = 30
    replace_after: int = 120
    max_lead: int | None = None

    def is_ahead(self, *, dated: int, head: int) -> bool:
        """Tell whether something with that date has to wait for a later block than the newest."""
        return self.max_lead is not None and dated > head + self.max_lead


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPolicy:
    """When the queue is closed into a batch.

    Attributes:
        max_leaves: A batch is closed at once when it can have so many leaves.
        max_age: It is closed when its oldest leaf has waited so many seconds.
    """

    max_leaves: int = MAX_BATCH_LEAVES
    max_age: int = 300  # half of the ten minutes that we aim at from queue to published

    def __post_init__(self) -> None:
        if not 1 <= self.max_leaves <= MAX_BATCH_LEAVES:
            raise ValueError(f"a batch has 1 to {MAX_BATCH_LEAVES} leaves, not {self.max_leaves}")

    def is_due(self, *, queued: int, oldest_at: int | None, now: int) -> bool:
        """Tell whether a queue of `queued` leaves, the oldest since `oldest_at`, is closed now."""
        if queued == 0 or oldest_at is None:
            return False
        return queued >= self.max_leaves or now - oldest_at >= self.max_age


class Delay(IntEnum):
    """How late the oldest unpublished leaf is."""

    ON_TIME = 0
    LATE = 1  # over the ten minutes that we aim at
    ALARM = 2  # over one hour: somebody is called
    NO_PROMISE = 3  # over four hours: nobody is promised an early anchor any more


_DELAYS: Final = ((4 * 3600, Delay.NO_PROMISE), (3600, Delay.ALARM), (600, Delay.LATE))


def delay_of(oldest_at: int | None, *, now: int) -> Delay:
    """Return how late a queue is whose oldest unpublished leaf was enqueued at `oldest_at`."""
    if oldest_at is None:
        return Delay.ON_TIME
    age = now - oldest_at
    return next((delay for limit, delay in _DELAYS if age > limit), Delay.ON_TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the chain shows of a transaction that was sent.

    Attributes:
        succeeded: Status of the receipt of any attempt; None when no attempt has a receipt.
        is_on_ledger: The contract itself says that the effect is there.
        nonce_is_spent: The account's transaction count at the head is beyond the nonce.
        nonce_is_finally_spent: The same at the newest final block.
        is_next: Every older transaction of the account is mined.
    """

    succeeded: bool | None
    is_on_ledger: bool
    nonce_is_spent: bool
    nonce_is_finally_spent: bool
    is_next: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long ago an attempt was sent.

    Attributes:
        in_flight: Seconds since it could have been mined.
        since_last_sent: Seconds since it was last sent; None when it must be sent, for the first
            time or again.
        outcome: What the node said last.
    """

    in_flight: int
    since_last_sent: int | None
    outcome: SendOutcome | None


Judgement = Event | Waiting | QuarantineReason
"""An event to record, a reason to wait, or a reason for quarantine."""


def judge_sent(sighting: Sighting, patience: Patience, timing: Timing) -> Judgement:
    """Decide what becomes of a write in state SENT.

    Whatever would call a person (a revert, a nonce used by somebody else) is believed only once it
    is final: one stale or lying answer must not stop the pipeline.
    """
    if sighting.succeeded and sighting.is_on_ledger:
        return Event.MINE
    if sighting.succeeded is not None or sighting.nonce_is_spent:
        return _judge_spent(sighting)
    if patience.since_last_sent is None:
        return Event.RESEND
    is_forgotten = patience.since_last_sent >= timing.resend_after
    if not sighting.is_next:  # higher fees would not help
        return Event.RESEND if is_forgotten else Waiting.BEHIND_OLDER
    is_stuck = patience.in_flight >= timing.replace_after
    if is_stuck or patience.outcome is SendOutcome.UNDERPRICED:
        return Event.REPLACE
    return Event.RESEND if is_forgotten else Waiting.PENDING


def _judge_spent(sighting: Sighting) -> Judgement:
    """Judge a write whose nonce is used up without a success of ours that the contract confirms."""
    wait, reason = {
        True: (Waiting.LEDGER_DISAGREES, QuarantineReason.LEDGER_DISAGREES),
        False: (Waiting.REVERTED_NOT_FINAL, QuarantineReason.REVERTED),
        None: (Waiting.NONCE_SPENT, QuarantineReason.NONCE_TAKEN),
    }[sighting.succeeded]
    if not sighting.nonce_is_finally_spent:
        return wait
    return Event.ADOPT if sighting.is_on_ledger else reason


def judge_mined(
    *, is_canonical: bool, is_on_ledger: bool, is_final: bool, has_transaction: bool
) -> Judgement:
    """Decide what becomes of a write in state MINED.

    Args:
        is_canonical: The block at the recorded height still has the recorded hash.
        is_on_ledger: The contract, asked at that block, says that the effect is there.
        is_final: The network's finality rule holds for that block.
        has_transaction: There are signed bytes of ours to send again.
    """
    if not is_canonical:
        return Event.REORGANISE if has_transaction else Event.FORGET
    if not is_on_ledger:
        return QuarantineReason.LEDGER_DISAGREES if is_final else Waiting.LEDGER_DISAGREES
    return Event.FINALISE if is_final else Waiting.NOT_FINAL


class Decision(StrEnum):
    """What a person decides about a ledger write in quarantine."""

    RESEND = "resend"  # the same bytes again
    ADOPT = "adopt"  # its effect stands, by whatever transaction
    NEW_NONCE = "new-nonce"  # look again, and sign anew if need be
    ABANDON = "abandon"  # leaves return to the queue


class Objection(StrEnum):
    """Why a decision would be wrong."""

    NEVER_SIGNED = "never_signed"  # there are no bytes to send again
    NONCE_SPENT = "nonce_spent"  # finally: the bytes can never be mined again
    STILL_POSSIBLE = "still_possible"  # the old transaction can still be mined
    NOT_ON_LEDGER = "not_on_ledger"  # there is nothing to adopt in a final block
    ON_LEDGER = "on_ledger"  # the effect stands: adopt it
    NOT_A_BATCH = "not_a_batch"  # an order to change status must be carried out


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What chain and database show of a write in quarantine, all as of one final block.

    Attributes:
        is_batch: It anchors a batch.
        was_signed: Somebody could have seen a signed transaction of it.
        can_be_mined: One of its transactions can still come into a block: the account has not
            finally spent the newest nonce that the write ever had.
        stands: The contract shows the effect in a block that counts.
    """

    is_batch: bool
    was_signed: bool
    can_be_mined: bool
    stands: bool


def judge_decision(decision: Decision, evidence: Evidence) -> Event | Objection:
    """Return the step that carries a decision out, or why it must not be.

    No decision leaves a second transaction possible beside the one that it brings about: what can
    still be mined is sent again and never replaced by another nonce, and leaves go back only when
    their root can no longer come on chain by a transaction of ours.
    """
    if decision is Decision.RESEND:
        if evidence.was_signed and evidence.can_be_mined:
            return Event.RESUME
        return Objection.NONCE_SPENT if evidence.was_signed else Objection.NEVER_SIGNED
    if decision is Decision.ADOPT:
        return Event.ADOPT if evidence.stands else Objection.NOT_ON_LEDGER
    if evidence.stands or evidence.can_be_mined:
        return Objection.ON_LEDGER if evidence.stands else Objection.STILL_POSSIBLE
    if decision is Decision.NEW_NONCE:
        return Event.RESTART
    return Event.ABANDON if evidence.is_batch else Objection.NOT_A_BATCH


def next_nonce(*, recorded: int, on_chain: int) -> int:
    """Return the nonce of the next transaction.

    Args:
        recorded: The next unused nonce according to our database.
        on_chain: The account's transaction count at the newest block, never at "pending", which
            also counts what may still be dropped.
    """
    return max(recorded, on_chain)


def gas_limit_for(estimate: int) -> int:
    """Return the gas limit for an estimate: a fifth more, at most what a network accepts."""
    return min(estimate + -(-estimate // 5), TRANSACTION_GAS_CAP)
