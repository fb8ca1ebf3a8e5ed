"""Reviews of drafts, and answers to requests that may come again.

Revision ID: 20261121_0006_desk
Revises: 20261121_0005_co_signatures
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0006_desk"
down_revision = "20261121_0005_co_signatures"
branch_labels = None
depends_on = None

_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    op.create_table(
        "draft_reviews",
        sa.Column("id", _INTEGER, nullable=False),
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column(
            "act",
            sa.Enum("return", "submit", name="reviewact", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("person_name", sa.String(length=100), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_draft_reviews"),
    )
    op.create_index("ix_draft_reviews_certificate_id_id", "draft_reviews", ["certificate_id", "id"])
    append_only(
        "draft_reviews",
        ["id", "certificate_id", "act", "remarks", "person_name", "person", "at"],
    )
    guard(
        "approvals",
        "INSERT",
        "approvals_not_returned",
        "(SELECT act FROM draft_reviews WHERE certificate_id = NEW.certificate_id "
        "ORDER BY id DESC LIMIT 1) = 'return'",
        "approvals: the draft was returned to its maker",
    )
    op.create_table(
        "answered_requests",
        sa.Column("principal_id", _ID, nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", _INTEGER, nullable=False),
        sa.Column("location", sa.String(length=200), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(request_sha256) = 32", name="request_sha256_bytes"),
        sa.PrimaryKeyConstraint("principal_id", "key", name="pk_answered_requests"),
    )
    op.create_index("ix_answered_requests_answered_at", "answered_requests", ["answered_at"])


def downgrade() -> None:
    op.drop_table("answered_requests")
    drop_guard("approvals", "approvals_not_returned")
    drop_append_only("draft_reviews")
    op.drop_table("draft_reviews")
