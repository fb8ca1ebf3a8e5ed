"""Co-signatures of issued tokens.

Revision: 20261121_0005_co_signatures, after 20261121_0004_standards. Made on 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only

revision = "20261121_0005_co_signatures"
down_revision = "20261121_0004_standards"
branch_labels = None
depends_on = None

_DIGEST = sa.LargeBinary(length=32)


def upgrade() -> None:
    op.create_table(
        "co_signatures",
        sa.Column("certificate_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("leaf", _DIGEST, nullable=False),
        sa.Column("key_thumbprint", _DIGEST, nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["issued_tokens.certificate_id"],
            name="fk_co_signatures_certificate_id_issued_tokens",
        ),
        sa.ForeignKeyConstraint(
            ["key_thumbprint"],
            ["body_keys.thumbprint"],
            name="fk_co_signatures_key_thumbprint_body_keys",
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_co_signatures"),
        sa.UniqueConstraint("leaf", name="uq_co_signatures_leaf"),
    )
    append_only("co_signatures", ["certificate_id", "token", "leaf", "key_thumbprint", "issued_at"])


def downgrade() -> None:
    drop_append_only("co_signatures")
    op.drop_table("co_signatures")
