"""Withdrawn approvals; requests to suspend and resume many; refused requests.

Revision: 20261121_0013_withdrawals, after 20261121_0012_contents. Made on 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0013_withdrawals"
down_revision = "20261121_0012_contents"
branch_labels = None
depends_on = None

_ID = sa.Uuid(as_uuid=False)
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ALONE = 10
_APPROVALS = (
    "certificate_id", "document_sha256", "approver", "approver_person", "approved_at",
    "withdrawn_by", "withdrawn_person", "withdrawn_at", "remarks",
)  # fmt: skip
_REFUSALS = ("request_id", "refuser", "refuser_person", "remark", "refused_at")
_REQUESTS = ["id", "reason", "remark", "requester", "requester_person", "requested_at"]
_STATES = (
    "OLD.state <> NEW.state AND NOT ("
    "(OLD.state = 'draft' AND NEW.state = 'approved' AND EXISTS"
    " (SELECT 1 FROM approvals WHERE certificate_id = NEW.id)) OR "
    "(OLD.state = 'approved' AND NEW.state = 'signed' AND EXISTS"
    " (SELECT 1 FROM issued_tokens WHERE certificate_id = NEW.id)){more})"
)
# What was approved becomes a draft again once its approval is gone.
_BACK = (
    " OR (OLD.state = 'approved' AND NEW.state = 'draft' AND NOT EXISTS"
    " (SELECT 1 FROM approvals WHERE certificate_id = NEW.id))"
)
# Approved by a second person, or revoked because an approved amendment took its place.
_COVERED = (
    "(EXISTS (SELECT 1 FROM bulk_revocation_items i"
    " JOIN bulk_revocation_approvals a ON a.request_id = i.request_id"
    " JOIN bulk_revocations r ON r.id = i.request_id"
    " WHERE i.certificate_id = {row}.certificate_id AND r.reason = {row}.reason{act})"
    " OR ({row}.reason = 2 AND EXISTS (SELECT 1 FROM certificates n"
    " WHERE n.replaces_id = {row}.certificate_id AND n.state = 'signed')))"
)
_SAME_ACT = " AND r.act = {row}.act"


def upgrade() -> None:
    _create_withdrawn_approvals()
    drop_guard("approvals", "approvals_no_delete")
    guard(
        "approvals",
        "DELETE",
        "approvals_withdrawn",
        "NOT EXISTS (SELECT 1 FROM withdrawn_approvals w"
        " WHERE w.certificate_id = OLD.certificate_id AND w.approved_at = OLD.approved_at"
        " AND w.approver_person = OLD.approver_person)",
        "approvals: a withdrawal is recorded first",
    )
    _guard_states(_BACK)
    # A position that a failed signing reserved stays drawn; who had it may go with its draft.
    drop_guard("status_entries", "status_entries_no_delete")
    guard(
        "status_entries",
        "DELETE",
        "status_entries_in_use",
        "EXISTS (SELECT 1 FROM issued_tokens WHERE certificate_id = OLD.certificate_id)",
        "status_entries: the position of a signed certificate is kept",
    )
    _extend_requests()


def _create_withdrawn_approvals() -> None:
    op.create_table(
        "withdrawn_approvals",
        sa.Column("id", _INTEGER, nullable=False),
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("document_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("approver", sa.String(length=100), nullable=False),
        sa.Column("approver_person", sa.String(length=200), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_by", sa.String(length=100), nullable=False),
        sa.Column("withdrawn_person", sa.String(length=200), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawn_approvals"),
    )
    op.create_index(
        "ix_withdrawn_approvals_certificate_id", "withdrawn_approvals", ["certificate_id"]
    )
    append_only("withdrawn_approvals", [*_APPROVALS])
    guard(
        "withdrawn_approvals",
        "INSERT",
        "withdrawn_approvals_unsigned",
        "EXISTS (SELECT 1 FROM issued_tokens WHERE certificate_id = NEW.certificate_id)",
        "withdrawn_approvals: what is signed is revoked, not withdrawn",
    )


def _extend_requests() -> None:
    drop_append_only("bulk_revocations")
    op.add_column(
        "bulk_revocations",
        sa.Column("act", sa.String(length=32), nullable=False, server_default="revoke"),
    )
    append_only("bulk_revocations", [*_REQUESTS, "act"])
    op.create_table(
        "bulk_revocation_refusals",
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("refuser", sa.String(length=100), nullable=False),
        sa.Column("refuser_person", sa.String(length=200), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("refused_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["bulk_revocations.id"],
            name="fk_bulk_revocation_refusals_request_id_bulk_revocations",
        ),
        sa.PrimaryKeyConstraint("request_id", name="pk_bulk_revocation_refusals"),
    )
    append_only("bulk_revocation_refusals", [*_REFUSALS])
    for table, other in (
        ("bulk_revocation_refusals", "bulk_revocation_approvals"),
        ("bulk_revocation_approvals", "bulk_revocation_refusals"),
    ):
        guard(
            table,
            "INSERT",
            f"{table}_once",
            f"EXISTS (SELECT 1 FROM {other} WHERE request_id = NEW.request_id)",  # noqa: S608
            f"{table}: the request was decided otherwise",
        )
    _guard_orders("NEW.act IN ('revoke', 'suspend', 'resume')", "o.act = NEW.act", _SAME_ACT)


def _guard_states(more: str) -> None:
    drop_guard("certificates", "certificates_state")
    guard(
        "certificates",
        "UPDATE",
        "certificates_state",
        _STATES.replace("{more}", more),
        "certificates: the state has no approval or token behind it",
    )


def _guard_orders(which: str, counted: str, act: str) -> None:
    drop_guard("status_orders", "status_orders_many")
    sqlite = op.get_bind().dialect.name == "sqlite"
    since = "datetime(NEW.ordered_at, '-1 day')" if sqlite else "NEW.ordered_at - interval '1 day'"
    new, old = (_COVERED.replace("{act}", act).replace("{row}", row) for row in ("NEW", "o"))
    guard(
        "status_orders",
        "INSERT",
        "status_orders_many",
        f"{which} AND NOT {new} AND "  # noqa: S608  (constants)
        "(SELECT count(*) FROM status_orders o JOIN certificates c ON c.id = o.certificate_id"
        f" WHERE {counted} AND o.ordered_at > {since} AND NOT {old} AND c.body_id ="
        f" (SELECT body_id FROM certificates WHERE id = NEW.certificate_id)) >= {_ALONE}",
        "status_orders: so many orders need a second approver",
    )


def downgrade() -> None:
    _guard_orders("NEW.act = 'revoke'", "o.act = 'revoke'", "")
    drop_guard("bulk_revocation_approvals", "bulk_revocation_approvals_once")
    drop_guard("bulk_revocation_refusals", "bulk_revocation_refusals_once")
    drop_append_only("bulk_revocation_refusals")
    op.drop_table("bulk_revocation_refusals")
    drop_append_only("bulk_revocations")
    op.drop_column("bulk_revocations", "act")
    append_only("bulk_revocations", _REQUESTS)
    drop_guard("status_entries", "status_entries_in_use")
    guard(
        "status_entries",
        "DELETE",
        "status_entries_no_delete",
        "TRUE",
        "status_entries: rows are never deleted",
    )
    _guard_states("")
    drop_guard("approvals", "approvals_withdrawn")
    guard("approvals", "DELETE", "approvals_no_delete", "TRUE", "approvals: rows are never deleted")
    drop_guard("withdrawn_approvals", "withdrawn_approvals_unsigned")
    drop_append_only("withdrawn_approvals")
    op.drop_index("ix_withdrawn_approvals_certificate_id", "withdrawn_approvals")
    op.drop_table("withdrawn_approvals")
