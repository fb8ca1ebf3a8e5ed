"""Contents of closed years in the object store alone: a third state beside here and erased.

Revision: 20261121_0017_cold, after 20261121_0016_validity. Made on 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0017_cold"
down_revision = "20261121_0016_validity"
branch_labels = None
depends_on = None

_ID = sa.Uuid(as_uuid=False)
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COLUMNS = ["certificate_id", "batch_id", "position"]
_ERASED = "EXISTS (SELECT 1 FROM erasures WHERE certificate_id = {row}.certificate_id)"
_COLD = "EXISTS (SELECT 1 FROM cooled_contents WHERE certificate_id = OLD.certificate_id)"
_OWN_ROW = (
    "EXISTS (SELECT 1 FROM issued_tokens WHERE certificate_id = {row}.certificate_id"
    " AND jwt {sign} '')"
)  # fmt: skip
_RECORD = (
    "EXISTS (SELECT 1 FROM disclosures d WHERE d.certificate_id = {row}.certificate_id"
    " AND d.packed IS NOT NULL)"
)  # fmt: skip
# The leaf is at that place of a published batch whose pack is known, and its data key is here.
_KEPT = (
    "EXISTS (SELECT 1 FROM issued_tokens t"
    " JOIN leaves l ON l.leaf = t.leaf"
    " JOIN ledger_writes w ON w.id = l.batch_id"
    " JOIN content_packs p ON p.batch_id = l.batch_id AND p.subtree = l.position / 1024"
    " JOIN content_keys k ON k.certificate_id = t.certificate_id"
    " WHERE t.certificate_id = NEW.certificate_id AND l.batch_id = NEW.batch_id"
    " AND l.position = NEW.position AND w.state = 'published')"
)


def upgrade() -> None:
    op.create_table(
        "cooled_contents",
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("batch_id", _INTEGER, nullable=False),
        sa.Column("position", _INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["issued_tokens.certificate_id"],
            name="fk_cooled_contents_certificate_id_issued_tokens",
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name="fk_cooled_contents_batch_id_batches"
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_cooled_contents"),
        sqlite_with_rowid=False,
    )
    append_only("cooled_contents", _COLUMNS, erasable=True)
    guard(
        "cooled_contents",
        "INSERT",
        "cooled_contents_kept",
        f"{_ERASED.format(row='NEW')} OR NOT {_RECORD.format(row='NEW')} OR NOT {_KEPT}",
        "cooled_contents: the object store must have it first",
    )
    guard(
        "cooled_contents",
        "DELETE",
        "cooled_contents_back",
        f"NOT ({_RECORD.format(row='OLD')} OR ({_ERASED.format(row='OLD')}"
        f" AND {_OWN_ROW.format(row='OLD', sign='<>')}))",
        "cooled_contents: the record comes back first, or is erased",
    )
    guard(
        "content_keys",
        "DELETE",
        "content_keys_cold",
        _COLD,
        "content_keys: nothing else opens a cold record",
    )
    _guard_disclosures(cold=f" AND NOT {_COLD}")


def downgrade() -> None:
    cold = op.get_bind().execute(sa.text("SELECT count(*) FROM cooled_contents")).scalar()
    if cold:
        raise RuntimeError(f"{cold} certificates are cold: run lancang retention warm first")
    _guard_disclosures(cold="")
    drop_guard("content_keys", "content_keys_cold")
    drop_guard("cooled_contents", "cooled_contents_back")
    drop_guard("cooled_contents", "cooled_contents_kept")
    drop_append_only("cooled_contents", erasable=True)
    op.drop_table("cooled_contents")


def _guard_disclosures(*, cold: str) -> None:
    drop_guard("disclosures", "disclosures_erased")
    drop_guard("disclosures", "disclosures_spread")
    guard(
        "disclosures",
        "DELETE",
        "disclosures_erased",
        f"NOT {_ERASED.format(row='OLD')}{cold}",
        "disclosures: an erasure is recorded first",
    )
    guard(
        "disclosures",
        "DELETE",
        "disclosures_spread",
        f"{_OWN_ROW.format(row='OLD', sign='=')}{cold}",
        "disclosures: the token goes into a row of its own first",
    )
