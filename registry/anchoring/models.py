"""Tables of anchoring: the queue of leaves, ledger writes with their attempts, signing accounts.

What the tables themselves refuse, whatever the program does (constraints, and triggers of the
migration): a leaf twice; two leaves at one place of a batch; a leaf that leaves a batch which is
not abandoned; two ledger writes with one nonce of one account; a change of a sealed root, of signed
bytes, of a recorded step or decision.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from registry.anchoring.domain import (
    Decision,
    Event,
    LeafKind,
    LedgerAct,
    QuarantineReason,
    SendOutcome,
    WriteKind,
    WriteState,
)
from registry.kit.database import Base, Digest, Number, RandomId
from verifier.checks.facts import RevocationReason

ADDRESS_CHARS = 42  # 0x and forty hexadecimal digits


class AccountRow(Base):
    """An account that signs transactions.

    Attributes:
        next_nonce: First nonce that no transaction of ours has taken.
        epoch: Counts the processes that became sequencer of the account; whoever writes with an
            older one is refused.
    """

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("next_nonce >= 0 AND epoch >= 0", name="counters"),)

    address: Mapped[str] = mapped_column(String(ADDRESS_CHARS), primary_key=True)
    chain_id: Mapped[int]
    next_nonce: Mapped[int]
    epoch: Mapped[int]


class LedgerWriteRow(Base):
    """One thing that must come to stand on chain. See `registry.anchoring.domain`.

    `block`, `block_hash` and `transaction_hash` name where the effect was found; the last is None
    when the effect is that of somebody else's transaction. `waiting` is why the last look changed
    nothing.
    """

    __tablename__ = "ledger_writes"
    __table_args__ = (
        UniqueConstraint("account", "nonce"),
        CheckConstraint("state = 'open' OR call_data IS NOT NULL", name="call_data"),
        CheckConstraint("(nonce IS NULL) = (gas_limit IS NULL)", name="nonce"),
        CheckConstraint("(block IS NULL) = (block_hash IS NULL)", name="block"),
        CheckConstraint(
            "state NOT IN ('transaction_signed', 'sent') OR nonce IS NOT NULL", name="signed"
        ),
        CheckConstraint(
            "state NOT IN ('mined', 'final', 'published') OR block IS NOT NULL", name="mined"
        ),
        CheckConstraint("(state = 'quarantined') = (quarantine IS NOT NULL)", name="quarantine"),
        Index(None, "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[WriteKind]
    account: Mapped[str] = mapped_column(ForeignKey("accounts.address"))
    contract: Mapped[str] = mapped_column(String(ADDRESS_CHARS))
    call_data: Mapped[bytes | None]
    state: Mapped[WriteState]
    version: Mapped[int]  # counts the steps; a step from an older version is refused
    nonce: Mapped[int | None]
    gas_limit: Mapped[int | None]
    block: Mapped[int | None]
    block_hash: Mapped[Digest | None]
    transaction_hash: Mapped[Digest | None]
    effective_at: Mapped[datetime | None]  # block time of the effect
    waiting: Mapped[str | None] = mapped_column(String(32))
    quarantine: Mapped[QuarantineReason | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class WriteAttemptRow(Base):
    """A signed transaction of a ledger write. Written before it is sent; its bytes never change.

    `in_flight_since` begins anew when the block that held it is gone; `last_sent_at` None: it must
    be sent.
    """

    __tablename__ = "write_attempts"
    __table_args__ = (
        UniqueConstraint("write_id", "nonce", "ordinal"),
        CheckConstraint("ordinal >= 1", name="ordinal"),
        CheckConstraint("0 <= priority_fee AND priority_fee <= max_fee", name="fees"),
    )

    hash: Mapped[Digest] = mapped_column(primary_key=True)
    write_id: Mapped[int] = mapped_column(ForeignKey("ledger_writes.id"))
    nonce: Mapped[int]
    ordinal: Mapped[int]
    raw: Mapped[bytes]
    max_fee: Mapped[int]
    priority_fee: Mapped[int]
    signed_at: Mapped[datetime]
    in_flight_since: Mapped[datetime | None]
    last_sent_at: Mapped[datetime | None]
    outcome: Mapped[SendOutcome | None]


class WriteStepRow(Base):
    """One step of a ledger write, for histories and metrics. Never edited."""

    __tablename__ = "write_steps"

    write_id: Mapped[int] = mapped_column(ForeignKey("ledger_writes.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event: Mapped[Event]
    state: Mapped[WriteState]  # after the step
    at: Mapped[datetime]


class BatchRow(Base):
    """Leaves under one root. `id` is that of the ledger write that anchors it.

    `tree_object` names the stored tree levels; it is filled when the root recomputed from rows
    read back equals `root` and the levels are safe in the object store. An abandoned batch keeps
    its root, and another batch may have the same one.
    """

    __tablename__ = "batches"
    __table_args__ = (
        Index(
            "ix_batches_standing_root",
            "root",
            unique=True,
            sqlite_where=text("abandoned_at IS NULL"),
            postgresql_where=text("abandoned_at IS NULL"),
        ),
        CheckConstraint("size BETWEEN 1 AND 1048576", name="size"),
        CheckConstraint("length(root) = 32", name="root_bytes"),
    )

    id: Mapped[int] = mapped_column(
        ForeignKey("ledger_writes.id"), primary_key=True, autoincrement=False
    )
    root: Mapped[Digest | None]
    size: Mapped[int | None]
    tree_object: Mapped[Digest | None]
    abandoned_at: Mapped[datetime | None]


class LeafRow(Base):
    """A leaf: queued while `batch_id` is None, then at a fixed place of a batch.

    It leaves that place only when the batch is abandoned.
    """

    __tablename__ = "leaves"
    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        CheckConstraint("length(leaf) = 32", name="leaf_bytes"),
        CheckConstraint("(batch_id IS NULL) = (position IS NULL)", name="place"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    leaf: Mapped[Digest] = mapped_column(unique=True)
    kind: Mapped[LeafKind]
    certificate_id: Mapped[RandomId | None]
    queued_at: Mapped[datetime]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id"))
    position: Mapped[int | None]


class StatusChangeRow(Base):
    """A change of status bits, or the revocation of one leaf. `id` is that of its ledger write.

    `words` holds 36 bytes for each word: its number, four bytes, and the mask of the bits to be
    changed, 32 bytes, both big-endian.
    """

    __tablename__ = "status_changes"
    __table_args__ = (
        CheckConstraint("(leaf IS NULL) = (list_number IS NOT NULL)", name="target"),
        CheckConstraint("(leaf IS NULL) = (words IS NOT NULL)", name="words"),
        CheckConstraint("reason BETWEEN 1 AND 7", name="reason"),
    )

    id: Mapped[int] = mapped_column(
        ForeignKey("ledger_writes.id"), primary_key=True, autoincrement=False
    )
    body_id: Mapped[Digest]
    act: Mapped[LedgerAct]
    by_party: Mapped[bool]  # the account acts for the party, not for the body
    reason: Mapped[RevocationReason] = mapped_column(Number(RevocationReason))
    list_number: Mapped[int | None]
    words: Mapped[bytes | None]
    leaf: Mapped[Digest | None]


class QuarantineDecisionRow(Base):
    """What a person decided about a write in quarantine. Never edited.

    Attributes:
        version: Of the write after the decision, as in `write_steps`.
        quarantine: Why it was set aside.
        words: The person's reason.
    """

    __tablename__ = "quarantine_decisions"
    __table_args__ = (CheckConstraint("length(words) BETWEEN 1 AND 500", name="words"),)

    write_id: Mapped[int] = mapped_column(ForeignKey("ledger_writes.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quarantine: Mapped[QuarantineReason]
    decision: Mapped[Decision]
    actor: Mapped[str] = mapped_column(String(100))
    person: Mapped[str] = mapped_column(String(200))
    words: Mapped[str] = mapped_column(Text())
    decided_at: Mapped[datetime]


class ReconciliationRow(Base):
    """The report of one comparison of database, object store and chain. Never edited.

    Attributes:
        is_full: Everything was compared, not only what was new since the last full one.
        final_block: Height up to which the chain was read; None when it did not answer.
        discrepancies: How many were found; None when the comparison could not be made.
        report: The report as JSON.
    """

    __tablename__ = "reconciliations"
    __table_args__ = (
        CheckConstraint("(final_block IS NULL) = (discrepancies IS NULL)", name="outcome"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    is_full: Mapped[bool]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    final_block: Mapped[int | None]
    discrepancies: Mapped[int | None]
    report: Mapped[str] = mapped_column(Text())
