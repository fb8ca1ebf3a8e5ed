"""Decisions on quarantined ledger writes, batches that are abandoned, reconciliation reports.

Revision: 20261121_0010_pipeline, after 20261121_0007_safeguards. Made on 2026-11-21.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0010_pipeline"
down_revision = "20261121_0007_safeguards"
branch_labels = None
depends_on = None

_DIGEST = sa.LargeBinary(length=32)
_WORD = sa.String(length=32)
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STANDING: Final = "abandoned_at IS NULL"
_LEAF_KEPT: Final = ("id", "leaf", "kind", "certificate_id", "queued_at")
_LEFT: Final = "OLD.batch_id IS NOT NULL AND NEW.batch_id IS NULL"
_MAY_NOT_LEAVE: Final = (
    "NOT EXISTS (SELECT 1 FROM ledger_writes"
    " WHERE ledger_writes.id = OLD.batch_id AND ledger_writes.state = 'abandoned')"
)
_APPEND_ONLY: Final = {
    "quarantine_decisions": [
        "write_id", "version", "quarantine", "decision", "actor", "person", "words", "decided_at",
    ],
    "reconciliations": [
        "id", "is_full", "started_at", "finished_at", "final_block", "discrepancies", "report",
    ],
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "quarantine_decisions",
        sa.Column("write_id", _INTEGER, nullable=False),
        sa.Column("version", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("quarantine", _WORD, nullable=False),
        sa.Column("decision", _WORD, nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(words) BETWEEN 1 AND 500", name="words"),
        sa.ForeignKeyConstraint(
            ["write_id"],
            ["ledger_writes.id"],
            name="fk_quarantine_decisions_write_id_ledger_writes",
        ),
        sa.PrimaryKeyConstraint("write_id", "version", name="pk_quarantine_decisions"),
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", _INTEGER, nullable=False),
        sa.Column("is_full", sa.Boolean(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=False),
        sa.Column("final_block", _INTEGER, nullable=True),
        sa.Column("discrepancies", _INTEGER, nullable=True),
        sa.Column("report", sa.Text(), nullable=False),
        sa.CheckConstraint("(final_block IS NULL) = (discrepancies IS NULL)", name="outcome"),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliations"),
    )
    for table, columns in _APPEND_ONLY.items():
        append_only(table, columns)
    drop_append_only("batches")
    if op.get_bind().dialect.name == "sqlite":
        _remake_batches([sa.Column("abandoned_at", UtcDateTime(), nullable=True)], [])
    else:
        op.add_column("batches", sa.Column("abandoned_at", UtcDateTime(), nullable=True))
        op.drop_constraint("uq_batches_root", "batches")
    op.create_index(
        "ix_batches_standing_root",
        "batches",
        ["root"],
        unique=True,
        sqlite_where=sa.text(_STANDING),
        postgresql_where=sa.text(_STANDING),
    )
    append_only("batches", ["id"], fill_once=["root", "size", "tree_object", "abandoned_at"])
    _let_leaves_leave()


def _remake_batches(columns: list[sa.Column[object]], constraints: list[sa.Constraint]) -> None:
    """Make the table anew on SQLite, which cannot drop a constraint.

    Leaves name its rows; that they do is checked when the transaction commits.
    """
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.execute(
        "CREATE TEMPORARY TABLE kept_batches AS SELECT id, root, size, tree_object FROM batches"
    )
    op.drop_table("batches")
    op.create_table(
        "batches",
        sa.Column("id", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("root", _DIGEST, nullable=True),
        sa.Column("size", _INTEGER, nullable=True),
        sa.Column("tree_object", _DIGEST, nullable=True),
        *columns,
        sa.CheckConstraint("length(root) = 32", name="root_bytes"),
        sa.CheckConstraint("size BETWEEN 1 AND 1048576", name="size"),
        sa.ForeignKeyConstraint(["id"], ["ledger_writes.id"], name="fk_batches_id_ledger_writes"),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        *constraints,
    )
    op.execute(
        "INSERT INTO batches (id, root, size, tree_object)"
        " SELECT id, root, size, tree_object FROM kept_batches"
    )
    op.execute("DROP TABLE kept_batches")


def _let_leaves_leave() -> None:
    """Let a leaf leave its batch when that is abandoned, and never otherwise.

    Two triggers, because sealing puts a million leaves in their places with one statement: the
    second, which asks another table, fires only for leaves that leave.
    """
    drop_guard("leaves", "leaves_no_update")
    changed = [f"OLD.{column} {{differs}} NEW.{column}" for column in _LEAF_KEPT]
    moved = [
        f"(OLD.{column} IS NOT NULL AND NEW.{column} IS NOT NULL AND OLD.{column} <> NEW.{column})"
        for column in ("batch_id", "position")
    ]
    guard(
        "leaves",
        "UPDATE",
        "leaves_no_update",
        f"({' OR '.join(changed + moved)})",
        "leaves: rows are never edited",
    )
    message = "leaves: a leaf leaves an abandoned batch only"
    if op.get_bind().dialect.name == "sqlite":
        guard("leaves", "UPDATE", "leaves_stay", f"{_LEFT} AND {_MAY_NOT_LEAVE}", message)
        return
    op.execute(
        "CREATE FUNCTION leaves_stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_MAY_NOT_LEAVE} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER leaves_stay BEFORE UPDATE ON leaves FOR EACH ROW "
        f"WHEN ({_LEFT}) EXECUTE FUNCTION leaves_stay()"
    )


def downgrade() -> None:
    drop_guard("leaves", "leaves_stay")
    drop_guard("leaves", "leaves_no_update")
    changed = [f"OLD.{column} {{differs}} NEW.{column}" for column in _LEAF_KEPT]
    refilled = [
        f"(OLD.{column} IS NOT NULL AND OLD.{column} {{differs}} NEW.{column})"
        for column in ("batch_id", "position")
    ]
    guard(
        "leaves",
        "UPDATE",
        "leaves_no_update",
        f"({' OR '.join(changed + refilled)})",
        "leaves: rows are never edited",
    )
    drop_append_only("batches")
    op.drop_index("ix_batches_standing_root", "batches")
    unique = sa.UniqueConstraint("root", name="uq_batches_root")
    if op.get_bind().dialect.name == "sqlite":
        _remake_batches([], [unique])
    else:
        op.drop_column("batches", "abandoned_at")
        op.create_unique_constraint("uq_batches_root", "batches", ["root"])
    append_only("batches", ["id"], fill_once=["root", "size", "tree_object"])
    for table in _APPEND_ONLY:
        drop_append_only(table)
        op.drop_table(table)
