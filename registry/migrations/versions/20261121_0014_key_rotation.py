"""Windows of document keys, and reports of compromised ones with a second person.

Revision: 20261121_0014_key_rotation, after 20261121_0013_withdrawals. Made on 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0014_key_rotation"
down_revision = "20261121_0013_withdrawals"
branch_labels = None
depends_on = None

_ID = sa.Uuid(as_uuid=False)
_COLUMNS = ("use_from", "anchor_until", "compromised_since", "stopped_at")
_EARLIER = ("sign_until", "anchor_until", "compromised_since")
_TABLES = {
    "key_reports": [
        "id", "thumbprint", "since", "remark", "reporter", "reporter_person", "reported_at",
    ],
    "key_report_decisions": [
        "report_id", "reporter_person", "decider", "decider_person", "decided_at", "confirmed",
    ],
}  # fmt: skip


def upgrade() -> None:
    for column in _COLUMNS:
        op.add_column("body_keys", sa.Column(column, UtcDateTime(), nullable=True))
    op.execute("UPDATE body_keys SET use_from = created_at")
    later = " OR ".join(
        f"(OLD.{column} IS NOT NULL AND (NEW.{column} IS NULL OR NEW.{column} > OLD.{column}))"
        for column in _EARLIER
    )
    guard(
        "body_keys",
        "UPDATE",
        "body_keys_windows",
        f"{later} OR (OLD.use_from IS NOT NULL AND OLD.use_from {{differs}} NEW.use_from)",
        "body_keys: windows move only ever earlier",
    )
    op.create_table(
        "key_reports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("thumbprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("reporter", sa.String(length=100), nullable=False),
        sa.Column("reporter_person", sa.String(length=200), nullable=False),
        sa.Column("reported_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thumbprint"], ["body_keys.thumbprint"], name="fk_key_reports_thumbprint_body_keys"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_key_reports"),
        sa.UniqueConstraint("id", "reporter_person", name="uq_key_reports_id_reporter_person"),
    )
    op.create_index("ix_key_reports_thumbprint", "key_reports", ["thumbprint"])
    op.create_table(
        "key_report_decisions",
        sa.Column("report_id", _ID, nullable=False),
        sa.Column("reporter_person", sa.String(length=200), nullable=False),
        sa.Column("decider", sa.String(length=100), nullable=False),
        sa.Column("decider_person", sa.String(length=200), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("decider_person <> reporter_person", name="second_person"),
        sa.ForeignKeyConstraint(
            ["report_id", "reporter_person"],
            ["key_reports.id", "key_reports.reporter_person"],
            name="fk_key_report_decisions_report",
        ),
        sa.PrimaryKeyConstraint("report_id", name="pk_key_report_decisions"),
    )
    for table, columns in _TABLES.items():
        append_only(table, columns)


def downgrade() -> None:
    for table in reversed(_TABLES):
        drop_append_only(table)
    op.drop_table("key_report_decisions")
    op.drop_table("key_reports")
    drop_guard("body_keys", "body_keys_windows")
    for column in reversed(_COLUMNS):
        op.drop_column("body_keys", column)
