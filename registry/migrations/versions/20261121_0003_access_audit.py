"""People, accounts, grants, tokens and page sessions; the audit trail with its anchored heads.

Revision: 20261121_0003_access, after 20261121_0002. Made on 2026-11-21.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only, drop_guard, guard

revision = "20261121_0003_access"
down_revision = "20261121_0002"
branch_labels = None
depends_on = None

_DIGEST = sa.LargeBinary(length=32)
_ID = sa.Uuid(as_uuid=False)
_PERSON = sa.String(length=36)
_NAME = sa.String(length=100)
_KEY = sa.String(length=200)
_WORD = sa.String(length=32)
_LONG = sa.String(length=255)
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_KEPT: Final = {  # columns that keep their first value, and those that are filled once
    "people": (
        ["id", "name", "name_key", "machine", "responsible_id", "created_at", "created_by"],
        ["disabled_at"],
    ),
    "logins": (
        ["id", "person_id", "name", "issuer", "subject", "created_at"],
        ["disabled_at"],
    ),
    "role_grants": (
        [
            "id",
            "person_id",
            "role",
            "party_id",
            "body_id",
            "valid_from",
            "granted_by",
            "granted_by_person",
            "granted_at",
        ],
        [],
    ),
    "api_tokens": (
        ["id", "person_id", "label", "digest", "created_at", "created_by", "expires_at"],
        ["revoked_at"],
    ),
    "api_token_scopes": (["token_id", "grant_id"], []),
    "audit_entries": (
        [
            "sequence",
            "at",
            "actor",
            "person",
            "action",
            "object",
            "tenant",
            "outcome",
            "request_id",
            "details",
            "previous",
            "hash",
        ],
        [],
    ),
    "audit_anchored_heads": (["day", "sequence", "hash", "leaf", "entry"], []),
}
_GUARDS: Final = (
    (
        "role_grants",
        "UPDATE",
        "role_grants_shortened",
        "OLD.valid_until IS NOT NULL"
        " AND (NEW.valid_until IS NULL OR NEW.valid_until > OLD.valid_until)",
        "role_grants: a grant is only ever shortened",
    ),
    (
        "approvals",
        "INSERT",
        "approvals_second_human",
        # A name that nobody vouches for counts as that of everybody who has it.
        "EXISTS (SELECT 1 FROM people WHERE"
        " (id = NEW.approver_person AND name_key = NEW.maker_person)"
        " OR (id = NEW.maker_person AND name_key = NEW.approver_person))",
        "approvals: second_person: maker and approver have one name",
    ),
    (
        "audit_head",
        "UPDATE",
        "audit_head_forward",
        "NEW.id <> OLD.id OR NEW.sequence <= OLD.sequence",
        "audit_head: the trail only grows",
    ),
    ("audit_head", "DELETE", "audit_head_no_delete", "TRUE", "audit_head: rows are never deleted"),
)


def upgrade() -> None:
    _create_people()
    _create_powers()
    _create_sessions()
    _create_audit()
    for table, (columns, fill_once) in _KEPT.items():
        append_only(table, columns, fill_once=fill_once)
    for table, event, name, condition, message in _GUARDS:
        guard(table, event, name, condition, message)
    if op.get_bind().dialect.name == "postgresql":  # TRUNCATE fires no trigger of a row
        op.execute(
            "CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_no_delete()"
        )


def _create_people() -> None:
    op.create_table(
        "people",
        sa.Column("id", _PERSON, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("name_key", _KEY, nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("responsible_id", _PERSON, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", _NAME, nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("machine = (responsible_id IS NOT NULL)", name="responsible"),
        sa.CheckConstraint("responsible_id IS NULL OR responsible_id <> id", name="not_itself"),
        sa.ForeignKeyConstraint(
            ["responsible_id"], ["people.id"], name="fk_people_responsible_id_people"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )
    op.create_index("ix_people_name_key", "people", ["name_key"])
    op.create_table(
        "logins",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _PERSON, nullable=False),
        sa.Column("name", _KEY, nullable=True),
        sa.Column("password_hash", _LONG, nullable=True),
        sa.Column("issuer", _LONG, nullable=True),
        sa.Column("subject", _LONG, nullable=True),
        sa.Column("failed_attempts", _INTEGER, nullable=False),
        sa.Column("refused_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(name IS NULL) = (password_hash IS NULL)", name="local"),
        sa.CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="external"),
        sa.CheckConstraint("(name IS NULL) <> (issuer IS NULL)", name="one_kind"),
        sa.CheckConstraint("failed_attempts >= 0", name="failed_attempts"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_logins_person_id_people"),
        sa.PrimaryKeyConstraint("id", name="pk_logins"),
        sa.UniqueConstraint("name", name="uq_logins_name"),
        sa.UniqueConstraint("issuer", "subject", name="uq_logins_issuer_subject"),
    )
    op.create_index("ix_logins_person_id", "logins", ["person_id"])


def _create_powers() -> None:
    op.create_table(
        "role_grants",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _PERSON, nullable=False),
        sa.Column("role", _WORD, nullable=False),
        sa.Column("party_id", sa.String(length=32), nullable=True),
        sa.Column("body_id", _DIGEST, nullable=True),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=True),
        sa.Column("granted_by", _NAME, nullable=False),
        sa.Column("granted_by_person", _KEY, nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("body_id IS NULL OR party_id IS NOT NULL", name="body_has_party"),
        sa.CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", name="interval"),
        sa.CheckConstraint("granted_by_person <> person_id", name="not_to_oneself"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_role_grants_person_id_people"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_role_grants"),
    )
    for column in ("person_id", "body_id", "party_id"):
        op.create_index(f"ix_role_grants_{column}", "role_grants", [column])
    op.create_table(
        "api_tokens",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", _PERSON, nullable=False),
        sa.Column("label", _NAME, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", _NAME, nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("length(digest) = 32", name="digest_bytes"),
        sa.CheckConstraint("created_at < expires_at", name="interval"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_api_tokens_person_id_people"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
    )
    op.create_index("ix_api_tokens_person_id", "api_tokens", ["person_id"])
    op.create_table(
        "api_token_scopes",
        sa.Column("token_id", _ID, nullable=False),
        sa.Column("grant_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_tokens.id"], name="fk_api_token_scopes_token_id_api_tokens"
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["role_grants.id"], name="fk_api_token_scopes_grant_id_role_grants"
        ),
        sa.PrimaryKeyConstraint("token_id", "grant_id", name="pk_api_token_scopes"),
    )


def _create_sessions() -> None:
    op.create_table(
        "page_sessions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("login_id", _ID, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("length(digest) = 32", name="digest_bytes"),
        sa.ForeignKeyConstraint(
            ["login_id"], ["logins.id"], name="fk_page_sessions_login_id_logins"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_page_sessions"),
        sa.UniqueConstraint("digest", name="uq_page_sessions_digest"),
    )
    op.create_index("ix_page_sessions_login_id", "page_sessions", ["login_id"])


def _create_audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("sequence", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", _NAME, nullable=False),
        sa.Column("person", _KEY, nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object", _KEY, nullable=False),
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("outcome", _WORD, nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", _DIGEST, nullable=False),
        sa.Column("hash", _DIGEST, nullable=False),
        sa.CheckConstraint("sequence >= 1", name="sequence"),
        sa.CheckConstraint("length(previous) = 32 AND length(hash) = 32", name="hash_bytes"),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit_entries"),
        sa.UniqueConstraint("hash", name="uq_audit_entries_hash"),
    )
    for column in ("tenant", "object", "person"):
        op.create_index(
            f"ix_audit_entries_{column}_sequence", "audit_entries", [column, "sequence"]
        )
    head = op.create_table(
        "audit_head",
        sa.Column("id", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("sequence", _INTEGER, nullable=False),
        sa.Column("hash", _DIGEST, nullable=False),
        sa.CheckConstraint("id = 1", name="single"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0, "hash": bytes(32)}])
    op.create_table(
        "audit_anchored_heads",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sequence", _INTEGER, nullable=False),
        sa.Column("hash", _DIGEST, nullable=False),
        sa.Column("leaf", _DIGEST, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sequence"],
            ["audit_entries.sequence"],
            name="fk_audit_anchored_heads_sequence_audit_entries",
        ),
        sa.PrimaryKeyConstraint("day", name="pk_audit_anchored_heads"),
        sa.UniqueConstraint("sequence", name="uq_audit_anchored_heads_sequence"),
        sa.UniqueConstraint("leaf", name="uq_audit_anchored_heads_leaf"),
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_entries_no_truncate ON audit_entries")
    for table, _, name, _, _ in _GUARDS:
        drop_guard(table, name)
    for table in _KEPT:
        drop_append_only(table)
    for table in (
        "audit_anchored_heads",
        "audit_head",
        "audit_entries",
        "page_sessions",
        "api_token_scopes",
        "api_tokens",
        "role_grants",
        "logins",
        "people",
    ):
        op.drop_table(table)
