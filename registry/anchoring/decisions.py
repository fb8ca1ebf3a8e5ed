"""A person's decision about a ledger write in quarantine: examined, recorded, carried out.

The sequencer of an account leaves quarantined writes alone, so a decision needs no lease. It is
made on the version of the write that was examined, and refused when the write has moved on since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from registry.anchoring.domain import (
    Decision,
    Event,
    Evidence,
    Objection,
    QuarantineReason,
    WriteKind,
    WriteState,
    judge_decision,
)
from registry.anchoring.effects import locate
from registry.anchoring.errors import DecisionRefusedError
from registry.anchoring.models import BatchRow, LeafRow, QuarantineDecisionRow, WriteAttemptRow
from registry.anchoring.ports import Chain
from registry.anchoring.records import LedgerWrite, Place
from registry.anchoring.repository import LedgerWrites
from registry.anchoring.steps import ask_for_sending, step_write
from registry.audit.service import INSTALLATION, record
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.kit.errors import InvalidInputError

MAX_WORDS: Final = 500
_ACTION: Final = "quarantine.decide"
_EXPLAINED: Final = {
    Objection.NEVER_SIGNED: "it was never signed, there is nothing to send again",
    Objection.NONCE_SPENT: "its nonce is finally used up, these bytes can never be mined again",
    Objection.STILL_POSSIBLE: "its transaction can still be mined: send it again and wait",
    Objection.NOT_ON_LEDGER: "no final block shows its effect where it counts",
    Objection.ON_LEDGER: "its effect stands on the ledger: adopt it",
    Objection.NOT_A_BATCH: "an order to change status must be carried out, not dropped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """A write in quarantine beside what the chain shows of it.

    Attributes:
        reason: Why it was set aside.
        evidence: What decides about decisions.
        place: Where its effect stands, final; None where it does not.
        nonces: Every nonce that its transactions ever had.
        allowed: Decisions that would be carried out.
    """

    write: LedgerWrite
    reason: QuarantineReason
    evidence: Evidence
    place: Place | None
    nonces: tuple[int, ...]
    allowed: tuple[Decision, ...]


def examine(database: Database, chain: Chain, write_id: int) -> Examination:
    """Ask the chain what is true of a write in quarantine.

    Raises:
        NotFoundError: There is no such write.
        DecisionRefusedError: It is not in quarantine.
        ChainUnavailableError: The chain gave no usable answer.
    """
    with database.read() as session:
        writes = LedgerWrites(session)
        write = writes.get(write_id)
        if write.state is not WriteState.QUARANTINED or write.quarantine is None:
            raise DecisionRefusedError(f"ledger write {write_id} is {write.state}")
        effect = writes.effect(write)
        nonces = tuple(
            session.scalars(
                select(WriteAttemptRow.nonce)
                .where(WriteAttemptRow.write_id == write_id)
                .distinct()
                .order_by(WriteAttemptRow.nonce)
            )
        )
    final = chain.final()
    ledger = chain.at_ledger(write.contract)
    place = locate(effect, ledger, at=final)
    if place is not None and write.kind is WriteKind.ANCHOR and not ledger.speaks_for(place.block):
        place = None
    evidence = Evidence(
        is_batch=write.kind is WriteKind.ANCHOR,
        was_signed=write.nonce is not None,
        can_be_mined=bool(nonces) and chain.transaction_count(write.account, final) <= nonces[-1],
        stands=place is not None,
    )
    return Examination(
        write=write,
        reason=write.quarantine,
        evidence=evidence,
        place=place,
        nonces=nonces,
        allowed=tuple(
            each for each in Decision if isinstance(judge_decision(each, evidence), Event)
        ),
    )


def decide(
    database: Database,
    chain: Chain,
    write_id: int,
    decision: Decision,
    *,
    actor: Actor,
    words: str,
    now: datetime,
) -> Examination:
    """Examine a write in quarantine and carry a decision out.

    Args:
        database: The decision, its step and the entry of the audit trail are one transaction.
        chain: Asked anew, whatever the person was shown before.
        write_id: The write.
        decision: What is to be done.
        actor: Who decides.
        words: Why; kept for ever.
        now: The present moment.

    Returns:
        What the decision was made on.

    Raises:
        NotFoundError: There is no such write.
        DecisionRefusedError: It is not in quarantine, or the decision would be wrong.
        InvalidInputError: There is no reason, or it is too long.
        StaleWriteError: The write has moved on meanwhile.
        ChainUnavailableError: The chain gave no usable answer; nothing was decided.
    """
    words = _checked_words(words)
    found = examine(database, chain, write_id)
    judged = judge_decision(decision, found.evidence)
    if isinstance(judged, Objection):
        raise DecisionRefusedError(f"{decision}: {_EXPLAINED[judged]} ({judged})")
    with database.begin() as session:
        _carry_out(session, found, judged, now=now)
        session.add(
            QuarantineDecisionRow(
                write_id=write_id,
                version=found.write.version + 1,
                quarantine=found.reason,
                decision=decision,
                actor=actor.name,
                person=actor.person,
                words=words,
                decided_at=now,
            )
        )
        record(
            session,
            _ACTION,
            actor=actor,
            object_=f"ledger_write:{write_id}",
            tenant=INSTALLATION,
            at=now,
            details={
                "decision": decision.value,
                "quarantine": found.reason.value,
                "reason": words,
                "version": found.write.version + 1,
            },
        )
    return found


def set_aside(
    database: Database, chain: Chain, write_id: int, *, actor: Actor, words: str, now: datetime
) -> None:
    """Put a published write whose effect the chain no longer shows into quarantine.

    Reconciliation names such writes and leaves them alone. From quarantine a person decides.

    Raises:
        NotFoundError: There is no such write.
        DecisionRefusedError: It is not published, or its effect stands.
        InvalidInputError: There is no reason, or it is too long.
        StaleWriteError: The write has moved on meanwhile.
        ChainUnavailableError: The chain gave no usable answer; nothing was changed.
    """
    words = _checked_words(words)
    with database.read() as session:
        writes = LedgerWrites(session)
        write = writes.get(write_id)
        effect = writes.effect(write)
    if write.state is not WriteState.PUBLISHED or not effect.is_permanent:
        raise DecisionRefusedError(f"ledger write {write_id} is {write.state}")
    if effect.seen(chain.at_ledger(write.contract), chain.final()) is not None:
        raise DecisionRefusedError(f"the chain shows the effect of ledger write {write_id}")
    with database.begin() as session:
        reason = QuarantineReason.EFFECT_VANISHED
        step_write(session, write, Event.QUARANTINE, now=now, quarantine=reason)
        record(
            session,
            "quarantine.set_aside",
            actor=actor,
            object_=f"ledger_write:{write_id}",
            tenant=INSTALLATION,
            at=now,
            details={"quarantine": reason.value, "reason": words, "version": write.version + 1},
        )


def _checked_words(words: str) -> str:
    words = words.strip()
    if not 0 < len(words) <= MAX_WORDS:
        raise InvalidInputError(f"say why, in 1 to {MAX_WORDS} characters")
    return words


def _carry_out(session: Session, found: Examination, event: Event, *, now: datetime) -> None:
    changes: dict[str, Any] = {
        "quarantine": None,
        "block": None,
        "block_hash": None,
        "transaction_hash": None,
        "effective_at": None,
    }
    if event is Event.RESTART:
        changes |= {"nonce": None, "gas_limit": None}
    elif event is Event.ADOPT and found.place is not None:
        changes |= {
            "block": found.place.block,
            "block_hash": found.place.block_hash,
            "transaction_hash": found.place.transaction_hash,
            "effective_at": found.place.moment,
        }
    step_write(session, found.write, event, now=now, **changes)
    if event is Event.RESUME:
        ask_for_sending(session, found.write)
    elif event is Event.ABANDON:
        _return_leaves(session, found.write.id, now=now)


def _return_leaves(session: Session, batch_id: int, *, now: datetime) -> None:
    """Put the leaves of an abandoned batch back into the queue, every one of them."""
    size = session.scalar(
        update(BatchRow)
        .where(BatchRow.id == batch_id)
        .values(abandoned_at=now)
        .returning(BatchRow.size)
    )
    inside = LeafRow.batch_id == batch_id
    found = session.scalar(select(func.count()).select_from(LeafRow).where(inside))
    session.execute(
        update(LeafRow).where(inside).values(batch_id=None, position=None),
        execution_options={"synchronize_session": False},
    )
    if found != size:
        # It may well be why the batch was set aside; they go back, and the trail says so.
        record(
            session,
            "quarantine.leaves_missing",
            actor=Actor("lancang"),
            object_=f"ledger_write:{batch_id}",
            tenant=INSTALLATION,
            at=now,
            details={"sealed": size, "returned": found},
        )
