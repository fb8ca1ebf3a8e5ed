"""Parties, bodies with scope documents and keys, certificates from draft to revocation.

Revision: 20261121_0001, the first. Made on 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0001"
down_revision = None
branch_labels = None
depends_on = None

_DIGEST = sa.LargeBinary(length=32)
_ID = sa.Uuid(as_uuid=False)
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_bodies()
    _create_certificates()
    _create_signed()
    _guard_bodies()
    _guard_certificates()
    _guard_signed()


def _create_bodies() -> None:
    op.create_table(
        "parties",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(length=100), nullable=False),
        sa.Column("on_chain_since", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_parties"),
    )
    op.create_table(
        "bodies",
        sa.Column("id", _DIGEST, nullable=False),
        sa.Column("alias", sa.String(length=64), nullable=False),
        sa.Column("party_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("did", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identifiers", sa.Text(), nullable=False),
        sa.Column("demonstration", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(length=100), nullable=False),
        sa.Column("on_chain_since", UtcDateTime(), nullable=True),
        sa.CheckConstraint("length(id) = 32", name="id_bytes"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_bodies_party_id_parties"),
        sa.PrimaryKeyConstraint("id", name="pk_bodies"),
        sa.UniqueConstraint("alias", name="uq_bodies_alias"),
        sa.UniqueConstraint("party_id", "did", name="uq_bodies_party_id_did"),
    )
    op.create_table(
        "scope_documents",
        sa.Column("sha256", _DIGEST, nullable=False),
        sa.Column("body_id", _DIGEST, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("effective_from", UtcDateTime(), nullable=False),
        sa.Column("effective_until", UtcDateTime(), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(length=100), nullable=False),
        sa.Column("on_chain_since", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "effective_until IS NULL OR effective_from < effective_until",
            name="interval",
        ),
        sa.CheckConstraint("length(sha256) = 32", name="sha256_bytes"),
        sa.ForeignKeyConstraint(
            ["body_id"], ["bodies.id"], name="fk_scope_documents_body_id_bodies"
        ),
        sa.PrimaryKeyConstraint("sha256", name="pk_scope_documents"),
    )
    op.create_index(
        "ix_scope_documents_body_id_effective_from",
        "scope_documents",
        ["body_id", "effective_from"],
    )
    op.create_table(
        "body_keys",
        sa.Column("thumbprint", _DIGEST, nullable=False),
        sa.Column("body_id", _DIGEST, nullable=False),
        sa.Column("purpose", sa.SmallInteger(), nullable=False),
        sa.Column("algorithm", sa.String(length=32), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("sign_until", UtcDateTime(), nullable=True),
        sa.Column("on_chain_since", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("length(thumbprint) = 32", name="thumbprint_bytes"),
        sa.CheckConstraint("purpose BETWEEN 1 AND 4", name="purpose"),
        sa.ForeignKeyConstraint(["body_id"], ["bodies.id"], name="fk_body_keys_body_id_bodies"),
        sa.PrimaryKeyConstraint("thumbprint", name="pk_body_keys"),
    )
    op.create_index("ix_body_keys_body_id_purpose", "body_keys", ["body_id", "purpose"])


def _create_certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", _ID, nullable=False),
        sa.Column("body_id", _DIGEST, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=128), nullable=False),
        sa.Column("revision", _INTEGER, nullable=False),
        sa.Column("replaces_id", _ID, nullable=True),
        sa.Column("demonstration", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_sha256", _DIGEST, nullable=False),
        sa.Column("maker", sa.String(length=100), nullable=False),
        sa.Column("maker_person", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length(document_sha256) = 32", name="document_sha256_bytes"),
        sa.CheckConstraint("replaces_id IS NULL OR replaces_id <> id", name="replaces"),
        sa.CheckConstraint("revision >= 1", name="revision"),
        sa.ForeignKeyConstraint(["body_id"], ["bodies.id"], name="fk_certificates_body_id_bodies"),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["certificates.id"], name="fk_certificates_replaces_id_certificates"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_certificates"),
        sa.UniqueConstraint(
            "body_id", "number", "revision", name="uq_certificates_body_id_number_revision"
        ),
        sa.UniqueConstraint(
            "id",
            "maker_person",
            "document_sha256",
            name="uq_certificates_id_maker_person_document_sha256",
        ),
        sa.UniqueConstraint("replaces_id", name="uq_certificates_replaces_id"),
    )
    op.create_index("ix_certificates_state_id", "certificates", ["state", "id"])
    op.create_table(
        "approvals",
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("maker_person", sa.String(length=200), nullable=False),
        sa.Column("document_sha256", _DIGEST, nullable=False),
        sa.Column("approver", sa.String(length=100), nullable=False),
        sa.Column("approver_person", sa.String(length=200), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("approver_person <> maker_person", name="second_person"),
        sa.ForeignKeyConstraint(
            ["certificate_id", "maker_person", "document_sha256"],
            ["certificates.id", "certificates.maker_person", "certificates.document_sha256"],
            name="fk_approvals_certificate",
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_approvals"),
    )
    op.create_table(
        "status_blocks",
        sa.Column("body_id", _DIGEST, nullable=False),
        sa.Column("list_number", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("block", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("drawn", sa.LargeBinary(), nullable=False),
        sa.Column("free", _INTEGER, nullable=False),
        sa.CheckConstraint("free >= 0", name="free"),
        sa.ForeignKeyConstraint(["body_id"], ["bodies.id"], name="fk_status_blocks_body_id_bodies"),
        sa.PrimaryKeyConstraint("body_id", "list_number", "block", name="pk_status_blocks"),
    )
    op.create_table(
        "status_entries",
        sa.Column("body_id", _DIGEST, nullable=False),
        sa.Column("list_number", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("position", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("certificate_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["body_id"], ["bodies.id"], name="fk_status_entries_body_id_bodies"
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.id"],
            name="fk_status_entries_certificate_id_certificates",
        ),
        sa.PrimaryKeyConstraint("body_id", "list_number", "position", name="pk_status_entries"),
        sa.UniqueConstraint("certificate_id", name="uq_status_entries_certificate_id"),
    )


def _create_signed() -> None:
    op.create_table(
        "issued_tokens",
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("jwt", sa.Text(), nullable=False),
        sa.Column("leaf", _DIGEST, nullable=False),
        sa.Column("key_thumbprint", _DIGEST, nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["approvals.certificate_id"],
            name="fk_issued_tokens_certificate_id_approvals",
        ),
        sa.ForeignKeyConstraint(
            ["key_thumbprint"],
            ["body_keys.thumbprint"],
            name="fk_issued_tokens_key_thumbprint_body_keys",
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_issued_tokens"),
        sa.UniqueConstraint("leaf", name="uq_issued_tokens_leaf"),
    )
    op.create_table(
        "disclosures",
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("disclosures", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["issued_tokens.certificate_id"],
            name="fk_disclosures_certificate_id_issued_tokens",
        ),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_disclosures"),
    )
    op.create_table(
        "release_statements",
        sa.Column("leaf", _DIGEST, nullable=False),
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("destination", sa.String(length=32), nullable=False),
        sa.Column("withheld", sa.Text(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("key_thumbprint", _DIGEST, nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("requested_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["issued_tokens.certificate_id"],
            name="fk_release_statements_certificate_id_issued_tokens",
        ),
        sa.ForeignKeyConstraint(
            ["key_thumbprint"],
            ["body_keys.thumbprint"],
            name="fk_release_statements_key_thumbprint_body_keys",
        ),
        sa.PrimaryKeyConstraint("leaf", name="pk_release_statements"),
    )
    op.create_index(
        "ix_release_statements_certificate_id_destination",
        "release_statements",
        ["certificate_id", "destination"],
    )
    op.create_table(
        "summaries",
        sa.Column("leaf", _DIGEST, nullable=False),
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("release_leaf", _DIGEST, nullable=True),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("key_thumbprint", _DIGEST, nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["issued_tokens.certificate_id"],
            name="fk_summaries_certificate_id_issued_tokens",
        ),
        sa.ForeignKeyConstraint(
            ["key_thumbprint"],
            ["body_keys.thumbprint"],
            name="fk_summaries_key_thumbprint_body_keys",
        ),
        sa.ForeignKeyConstraint(
            ["release_leaf"],
            ["release_statements.leaf"],
            name="fk_summaries_release_leaf_release_statements",
        ),
        sa.PrimaryKeyConstraint("leaf", name="pk_summaries"),
    )
    op.create_index("ix_summaries_certificate_id", "summaries", ["certificate_id"])
    op.create_table(
        "status_orders",
        sa.Column("id", _INTEGER, nullable=False),
        sa.Column("certificate_id", _ID, nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.Column("ordered_by", sa.String(length=100), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        sa.Column("ledger_write_id", _INTEGER, nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["issued_tokens.certificate_id"],
            name="fk_status_orders_certificate_id_issued_tokens",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_status_orders"),
    )
    op.create_index(
        "ix_status_orders_ledger_write_id_id", "status_orders", ["ledger_write_id", "id"]
    )
    op.create_index(
        "uq_status_orders_revoked",
        "status_orders",
        ["certificate_id"],
        unique=True,
        sqlite_where=sa.text("act = 'revoke'"),
        postgresql_where=sa.text("act = 'revoke'"),
    )


def _guard_bodies() -> None:
    append_only("parties", ["id", "country"], fill_once=["on_chain_since"])
    append_only(
        "bodies", ["id", "party_id", "kind", "did", "demonstration"], fill_once=["on_chain_since"]
    )
    append_only(
        "scope_documents",
        ["sha256", "body_id", "content", "effective_from", "effective_until", "recorded_at"],
        fill_once=["on_chain_since"],
    )
    append_only(
        "body_keys",
        ["thumbprint", "body_id", "purpose", "algorithm", "public_key", "created_at"],
        fill_once=["on_chain_since", "revoked_at"],
    )


def _guard_certificates() -> None:
    identity = ("id", "body_id", "maker", "maker_person", "created_at")
    content = (
        "kind",
        "number",
        "revision",
        "replaces_id",
        "demonstration",
        "document",
        "document_sha256",
    )
    guard(
        "certificates",
        "UPDATE",
        "certificates_identity",
        " OR ".join(f"OLD.{column} {{differs}} NEW.{column}" for column in identity),
        "certificates: maker and issuer are never edited",
    )
    guard(
        "certificates",
        "UPDATE",
        "certificates_content",
        "OLD.state <> 'draft' AND ("
        + " OR ".join(f"OLD.{column} {{differs}} NEW.{column}" for column in content)
        + ")",
        "certificates: an approved document is never edited",
    )
    guard(
        "certificates",
        "INSERT",
        "certificates_begin_as_draft",
        "NEW.state <> 'draft'",
        "certificates: a new certificate is a draft",
    )
    guard(
        "certificates",
        "UPDATE",
        "certificates_state",
        "OLD.state <> NEW.state AND NOT ("
        "(OLD.state = 'draft' AND NEW.state = 'approved' AND EXISTS"
        " (SELECT 1 FROM approvals WHERE certificate_id = NEW.id)) OR "
        "(OLD.state = 'approved' AND NEW.state = 'signed' AND EXISTS"
        " (SELECT 1 FROM issued_tokens WHERE certificate_id = NEW.id)))",
        "certificates: the state has no approval or token behind it",
    )
    guard(
        "certificates",
        "DELETE",
        "certificates_no_delete",
        "OLD.state <> 'draft'",
        "certificates: only drafts are deleted",
    )
    append_only(
        "approvals",
        [
            "certificate_id",
            "maker_person",
            "document_sha256",
            "approver",
            "approver_person",
            "approved_at",
        ],
    )
    append_only("status_entries", ["body_id", "list_number", "position", "certificate_id"])


def _guard_signed() -> None:
    append_only("issued_tokens", ["certificate_id", "jwt", "leaf", "key_thumbprint", "issued_at"])
    append_only("disclosures", ["certificate_id", "disclosures"], erasable=True)
    append_only(
        "release_statements",
        [
            "leaf",
            "certificate_id",
            "destination",
            "withheld",
            "grounds",
            "token",
            "key_thumbprint",
            "issued_at",
            "requested_by",
        ],
    )
    append_only(
        "summaries",
        ["leaf", "certificate_id", "release_leaf", "entry", "key_thumbprint", "issued_at"],
    )
    append_only(
        "status_orders",
        ["id", "certificate_id", "act", "reason", "ordered_by", "ordered_at"],
        fill_once=["ledger_write_id"],
    )


def downgrade() -> None:
    for name in ("identity", "content", "begin_as_draft", "state", "no_delete"):
        drop_guard("certificates", f"certificates_{name}")
    for table in (
        "parties",
        "bodies",
        "scope_documents",
        "body_keys",
        "approvals",
        "status_entries",
        "issued_tokens",
        "release_statements",
        "summaries",
        "status_orders",
    ):
        drop_append_only(table)
    drop_append_only("disclosures", erasable=True)
    for table in (
        "status_orders",
        "summaries",
        "release_statements",
        "disclosures",
        "issued_tokens",
        "status_entries",
        "status_blocks",
        "approvals",
        "certificates",
        "body_keys",
        "scope_documents",
        "bodies",
        "parties",
    ):
        op.drop_table(table)
