"""Second approver for many revocations; erasure of content after its period.

Revision: 20261121_0007_safeguards, after 20261121_0006_desk. Made on 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0007_safeguards"
down_revision = "20261121_0006_desk"
branch_labels = None
depends_on = None

_ID = sa.Uuid(as_uuid=False)
_ALONE = 10
_FROZEN = ("kind", "number", "revision", "replaces_id", "demonstration", "document_sha256")

# Approved by a second person, or revoked because an approved amendment took its place.
_COVERED = (
    "(EXISTS (SELECT 1 FROM bulk_revocation_items i"
    " JOIN bulk_revocation_approvals a ON a.request_id = i.request_id"
    " JOIN bulk_revocations r ON r.id = i.request_id"
    " WHERE i.certificate_id = {row}.certificate_id AND r.reason = {row}.reason)"
    " OR ({row}.reason = 2 AND EXISTS (SELECT 1 FROM certificates n"
    " WHERE n.replaces_id = {row}.certificate_id AND n.state = 'signed')))"
)
_TABLES = {
    "bulk_revocations": [
        "id", "reason", "remark", "requester", "requester_person", "requested_at",
    ],
    "bulk_revocation_items": ["request_id", "certificate_id"],
    "bulk_revocation_approvals": [
        "request_id", "requester_person", "approver", "approver_person", "approved_at",
    ],
    "erasures": ["certificate_id", "ground", "erased_by", "erased_person", "erased_at"],
}  # fmt: skip


def upgrade() -> None:
    _create_revocations()
    op.create_table(
        "erasures",
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("erased_by", sa.String(length=100), nullable=False),
        sa.Column("erased_person", sa.String(length=200), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["issued_tokens.certificate_id"],
            name="fk_erasures_certificate_id_issued_tokens",
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_erasures"),
    )
    for table, columns in _TABLES.items():
        append_only(table, columns)
    _guard_revocations()
    _guard_erasures()


def _create_revocations() -> None:
    op.create_table(
        "bulk_revocations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("requester", sa.String(length=100), nullable=False),
        sa.Column("requester_person", sa.String(length=200), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_revocations"),
        sa.UniqueConstraint(
            "id", "requester_person", name="uq_bulk_revocations_id_requester_person"
        ),
    )
    op.create_table(
        "bulk_revocation_items",
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("certificate_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["bulk_revocations.id"],
            name="fk_bulk_revocation_items_request_id_bulk_revocations",
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["issued_tokens.certificate_id"],
            name="fk_bulk_revocation_items_certificate_id_issued_tokens",
        ),
        sa.PrimaryKeyConstraint("request_id", "certificate_id", name="pk_bulk_revocation_items"),
    )
    op.create_index(
        "ix_bulk_revocation_items_certificate_id", "bulk_revocation_items", ["certificate_id"]
    )
    op.create_table(
        "bulk_revocation_approvals",
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("requester_person", sa.String(length=200), nullable=False),
        sa.Column("approver", sa.String(length=100), nullable=False),
        sa.Column("approver_person", sa.String(length=200), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("approver_person <> requester_person", name="second_person"),
        sa.ForeignKeyConstraint(
            ["request_id", "requester_person"],
            ["bulk_revocations.id", "bulk_revocations.requester_person"],
            name="fk_bulk_revocation_approvals_request",
        ),
        sa.PrimaryKeyConstraint("request_id", name="pk_bulk_revocation_approvals"),
    )


def _guard_revocations() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    since = "datetime(NEW.ordered_at, '-1 day')" if sqlite else "NEW.ordered_at - interval '1 day'"
    guard(
        "status_orders",
        "INSERT",
        "status_orders_many",
        f"NEW.act = 'revoke' AND NOT {_COVERED.format(row='NEW')} AND "  # noqa: S608  (constants)
        "(SELECT count(*) FROM status_orders o JOIN certificates c ON c.id = o.certificate_id"
        " WHERE o.act = 'revoke' AND o.ordered_at > "
        f"{since} AND NOT {_COVERED.format(row='o')} AND c.body_id ="
        f" (SELECT body_id FROM certificates WHERE id = NEW.certificate_id)) >= {_ALONE}",
        "status_orders: so many revocations need a second approver",
    )
    op.create_index("ix_status_orders_ordered_at", "status_orders", ["ordered_at"])
    guard(
        "bulk_revocation_items",
        "INSERT",
        "bulk_revocation_items_open",
        "EXISTS (SELECT 1 FROM bulk_revocation_approvals WHERE request_id = NEW.request_id)",
        "bulk_revocation_items: an approved request is never extended",
    )


def _guard_erasures() -> None:
    guard(
        "disclosures",
        "DELETE",
        "disclosures_erased",
        "NOT EXISTS (SELECT 1 FROM erasures WHERE certificate_id = OLD.certificate_id)",
        "disclosures: an erasure is recorded first",
    )
    drop_guard("certificates", "certificates_content")
    changed = " OR ".join(f"OLD.{column} {{differs}} NEW.{column}" for column in _FROZEN)
    # In a format string, two braces stand for one.
    erased = (
        "NEW.document = '{{}}' AND EXISTS (SELECT 1 FROM erasures WHERE certificate_id = NEW.id)"
    )
    guard(
        "certificates",
        "UPDATE",
        "certificates_content",
        f"OLD.state <> 'draft' AND ({changed} OR "
        f"(OLD.document {{differs}} NEW.document AND NOT ({erased})))",
        "certificates: an approved document is never edited",
    )


def downgrade() -> None:
    drop_guard("certificates", "certificates_content")
    columns = (*_FROZEN, "document")
    changed = " OR ".join(f"OLD.{column} {{differs}} NEW.{column}" for column in columns)
    guard(
        "certificates",
        "UPDATE",
        "certificates_content",
        f"OLD.state <> 'draft' AND ({changed})",
        "certificates: an approved document is never edited",
    )
    drop_guard("disclosures", "disclosures_erased")
    drop_guard("bulk_revocation_items", "bulk_revocation_items_open")
    drop_guard("status_orders", "status_orders_many")
    op.drop_index("ix_status_orders_ordered_at", "status_orders")
    for table in reversed(_TABLES):
        drop_append_only(table)
    for table in (
        "erasures",
        "bulk_revocation_approvals",
        "bulk_revocation_items",
        "bulk_revocations",
    ):
        op.drop_table(table)
