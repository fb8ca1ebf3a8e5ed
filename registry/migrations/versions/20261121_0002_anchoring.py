"""The queue of leaves, ledger writes with their attempts and steps, signing accounts.

Revision: 20261121_0002, after 20261121_0001. Made on 2026-11-21.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0002"
down_revision = "20261121_0001"
branch_labels = None
depends_on = None

_DIGEST = sa.LargeBinary(length=32)
_ADDRESS = sa.String(length=42)
_WORD = sa.String(length=32)
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_KEPT: Final = {  # columns that keep their first value, and those that are filled once
    "leaves": (
        ["id", "leaf", "kind", "certificate_id", "queued_at"],
        ["batch_id", "position"],
    ),
    "batches": (["id"], ["root", "size", "tree_object"]),
    "ledger_writes": (["id", "kind", "account", "contract", "created_at"], ["call_data"]),
    "write_attempts": (
        [
            "hash",
            "write_id",
            "nonce",
            "ordinal",
            "raw",
            "max_fee",
            "priority_fee",
            "signed_at",
        ],
        [],
    ),
    "write_steps": (["write_id", "version", "event", "state", "at"], []),
    "status_changes": (
        ["id", "body_id", "act", "by_party", "reason", "list_number", "words", "leaf"],
        [],
    ),
}


def upgrade() -> None:
    _create_writes()
    _create_attempts()
    _create_contents()
    for table, (columns, fill_once) in _KEPT.items():
        append_only(table, columns, fill_once=fill_once)
    guard(
        "ledger_writes",
        "UPDATE",
        "ledger_writes_steps",
        "NEW.version NOT IN (OLD.version, OLD.version + 1)"
        " OR (NEW.state <> OLD.state AND NEW.version = OLD.version)",
        "ledger_writes: a change of state is a step",
    )
    guard(
        "accounts",
        "UPDATE",
        "accounts_forward",
        "OLD.address <> NEW.address OR OLD.chain_id <> NEW.chain_id"
        " OR NEW.epoch < OLD.epoch OR NEW.next_nonce < OLD.next_nonce",
        "accounts: counters never go back",
    )


def _create_writes() -> None:
    op.create_table(
        "accounts",
        sa.Column("address", _ADDRESS, nullable=False),
        sa.Column("chain_id", _INTEGER, nullable=False),
        sa.Column("next_nonce", _INTEGER, nullable=False),
        sa.Column("epoch", _INTEGER, nullable=False),
        sa.CheckConstraint("next_nonce >= 0 AND epoch >= 0", name="counters"),
        sa.PrimaryKeyConstraint("address", name="pk_accounts"),
    )
    op.create_table(
        "ledger_writes",
        sa.Column("id", _INTEGER, nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("account", _ADDRESS, nullable=False),
        sa.Column("contract", _ADDRESS, nullable=False),
        sa.Column("call_data", sa.LargeBinary(), nullable=True),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("version", _INTEGER, nullable=False),
        sa.Column("nonce", _INTEGER, nullable=True),
        sa.Column("gas_limit", _INTEGER, nullable=True),
        sa.Column("block", _INTEGER, nullable=True),
        sa.Column("block_hash", _DIGEST, nullable=True),
        sa.Column("transaction_hash", _DIGEST, nullable=True),
        sa.Column("effective_at", UtcDateTime(), nullable=True),
        sa.Column("waiting", _WORD, nullable=True),
        sa.Column("quarantine", _WORD, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state = 'open' OR call_data IS NOT NULL", name="call_data"),
        sa.CheckConstraint("(nonce IS NULL) = (gas_limit IS NULL)", name="nonce"),
        sa.CheckConstraint("(block IS NULL) = (block_hash IS NULL)", name="block"),
        sa.CheckConstraint(
            "state NOT IN ('transaction_signed', 'sent') OR nonce IS NOT NULL", name="signed"
        ),
        sa.CheckConstraint(
            "state NOT IN ('mined', 'final', 'published') OR block IS NOT NULL", name="mined"
        ),
        sa.CheckConstraint("(state = 'quarantined') = (quarantine IS NOT NULL)", name="quarantine"),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.address"], name="fk_ledger_writes_account_accounts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_writes"),
        sa.UniqueConstraint("account", "nonce", name="uq_ledger_writes_account_nonce"),
    )
    op.create_index("ix_ledger_writes_state_id", "ledger_writes", ["state", "id"])


def _create_attempts() -> None:
    op.create_table(
        "write_attempts",
        sa.Column("hash", _DIGEST, nullable=False),
        sa.Column("write_id", _INTEGER, nullable=False),
        sa.Column("nonce", _INTEGER, nullable=False),
        sa.Column("ordinal", _INTEGER, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("max_fee", _INTEGER, nullable=False),
        sa.Column("priority_fee", _INTEGER, nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.Column("in_flight_since", UtcDateTime(), nullable=True),
        sa.Column("last_sent_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", _WORD, nullable=True),
        sa.CheckConstraint("ordinal >= 1", name="ordinal"),
        sa.CheckConstraint("0 <= priority_fee AND priority_fee <= max_fee", name="fees"),
        sa.ForeignKeyConstraint(
            ["write_id"], ["ledger_writes.id"], name="fk_write_attempts_write_id_ledger_writes"
        ),
        sa.PrimaryKeyConstraint("hash", name="pk_write_attempts"),
        sa.UniqueConstraint(
            "write_id", "nonce", "ordinal", name="uq_write_attempts_write_id_nonce_ordinal"
        ),
    )
    op.create_table(
        "write_steps",
        sa.Column("write_id", _INTEGER, nullable=False),
        sa.Column("version", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("event", _WORD, nullable=False),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["write_id"], ["ledger_writes.id"], name="fk_write_steps_write_id_ledger_writes"
        ),
        sa.PrimaryKeyConstraint("write_id", "version", name="pk_write_steps"),
    )


def _create_contents() -> None:
    op.create_table(
        "batches",
        sa.Column("id", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("root", _DIGEST, nullable=True),
        sa.Column("size", _INTEGER, nullable=True),
        sa.Column("tree_object", _DIGEST, nullable=True),
        sa.CheckConstraint("length(root) = 32", name="root_bytes"),
        sa.CheckConstraint("size BETWEEN 1 AND 1048576", name="size"),
        sa.ForeignKeyConstraint(["id"], ["ledger_writes.id"], name="fk_batches_id_ledger_writes"),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        sa.UniqueConstraint("root", name="uq_batches_root"),
    )
    op.create_table(
        "leaves",
        sa.Column("id", _INTEGER, nullable=False),
        sa.Column("leaf", _DIGEST, nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("certificate_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", _INTEGER, nullable=True),
        sa.Column("position", _INTEGER, nullable=True),
        sa.CheckConstraint("(batch_id IS NULL) = (position IS NULL)", name="place"),
        sa.CheckConstraint("length(leaf) = 32", name="leaf_bytes"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_leaves_batch_id_batches"),
        sa.PrimaryKeyConstraint("id", name="pk_leaves"),
        sa.UniqueConstraint("batch_id", "position", name="uq_leaves_batch_id_position"),
        sa.UniqueConstraint("leaf", name="uq_leaves_leaf"),
    )
    op.create_table(
        "status_changes",
        sa.Column("id", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("body_id", _DIGEST, nullable=False),
        sa.Column("act", _WORD, nullable=False),
        sa.Column("by_party", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("list_number", _INTEGER, nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("leaf", _DIGEST, nullable=True),
        sa.CheckConstraint("(leaf IS NULL) = (list_number IS NOT NULL)", name="target"),
        sa.CheckConstraint("(leaf IS NULL) = (words IS NOT NULL)", name="words"),
        sa.CheckConstraint("reason BETWEEN 1 AND 7", name="reason"),
        sa.ForeignKeyConstraint(
            ["id"], ["ledger_writes.id"], name="fk_status_changes_id_ledger_writes"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_status_changes"),
    )


def downgrade() -> None:
    drop_guard("accounts", "accounts_forward")
    drop_guard("ledger_writes", "ledger_writes_steps")
    for table in _KEPT:
        drop_append_only(table)
    for table in (
        "status_changes",
        "leaves",
        "batches",
        "write_steps",
        "write_attempts",
        "ledger_writes",
        "accounts",
    ):
        op.drop_table(table)
