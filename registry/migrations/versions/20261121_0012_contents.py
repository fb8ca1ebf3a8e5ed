"""Data keys of certificates, and where their encrypted contents are in the object store.

Revision: 20261121_0012_contents, after 20261121_0010_pipeline. Made on 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0012_contents"
down_revision = "20261121_0010_pipeline"
branch_labels = None
depends_on = None

_ID = sa.Uuid(as_uuid=False)
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ERASED = "EXISTS (SELECT 1 FROM erasures WHERE certificate_id = {row}.certificate_id)"


def upgrade() -> None:
    op.create_table(
        "content_keys",
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=8), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(length=40), nullable=False),
        sa.CheckConstraint("length(wrapped) = 40", name="wrapped_bytes"),
        sa.CheckConstraint("length(key_id) = 8", name="key_id_bytes"),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["issued_tokens.certificate_id"],
            name="fk_content_keys_certificate_id_issued_tokens",
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_content_keys"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "content_packs",
        sa.Column("batch_id", _INTEGER, nullable=False),
        sa.Column("subtree", _INTEGER, nullable=False),
        sa.Column("object", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name="fk_content_packs_batch_id_batches"
        ),
        sa.PrimaryKeyConstraint("batch_id", "subtree", name="pk_content_packs"),
    )
    append_only("content_keys", ["certificate_id"], erasable=True)
    append_only("content_packs", ["batch_id", "subtree", "object"])
    guard(
        "content_keys",
        "INSERT",
        "content_keys_erased",
        _ERASED.format(row="NEW"),
        "content_keys: erased content gets no key",
    )
    guard(
        "content_keys",
        "DELETE",
        "content_keys_destroyed",
        f"NOT {_ERASED.format(row='OLD')}",
        "content_keys: an erasure is recorded first",
    )


def downgrade() -> None:
    drop_guard("content_keys", "content_keys_destroyed")
    drop_guard("content_keys", "content_keys_erased")
    drop_append_only("content_packs")
    drop_append_only("content_keys", erasable=True)
    op.drop_table("content_packs")
    op.drop_table("content_keys")
