"""The standards catalogue: imports, editions with their search index, facts, releases.

Revision: 20261121_0004_standards, after 20261121_0003_access. Made on 2026-11-21.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from registry.kit.database import UtcDateTime
from registry.migrations.guards import append_only, drop_append_only

revision = "20261121_0004_standards"
down_revision = "20261121_0003_access"
branch_labels = None
depends_on = None

_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CODE = sa.String(length=200)
_KEY = sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql")
# The tokenizer of `standards_catalog.search_terms` when this revision was made: letters, digits,
# combining marks and private-use characters hold a term together.
_TOKENIZER: Final = "unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'"

_KEPT: Final = {  # columns that keep their first value, and those that are filled once
    "standard_imports": (["id", "source", "format", "sha256", "read_on", "recorded_at"], []),
    "standard_editions": (
        ["id", "code", "standard", "content", "starts", "ends", "import_id", "recorded_at"],
        ["superseded_at"],
    ),
    "standard_facts": (
        ["id", "kind", "source", "target", "content", "import_id", "recorded_at"],
        ["superseded_at"],
    ),
    "standard_releases": (["number", "digest", "records", "effective_on", "recorded_at"], []),
}


def upgrade() -> None:
    _create_imports()
    _create_editions()
    _create_facts()
    _create_releases()
    _create_search()
    for table, (columns, fill_once) in _KEPT.items():
        append_only(table, columns, fill_once=fill_once)


def downgrade() -> None:
    for table in reversed(_KEPT):
        drop_append_only(table)
    op.execute("DROP TABLE standard_search")
    for table in ("releases", "facts", "code_keys", "editions", "imports"):
        op.drop_table(f"standard_{table}")


def _create_imports() -> None:
    op.create_table(
        "standard_imports",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("licence", sa.String(length=64), nullable=False),
        sa.Column("attribution", sa.String(length=255), nullable=False),
        sa.Column("read_on", sa.Date(), nullable=False),
        *(
            sa.Column(name, _INTEGER, nullable=False)
            for name in ("rows", "added", "changed", "unchanged", "skipped", "last_sequence")
        ),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard_imports")),
    )


def _create_editions() -> None:
    op.create_table(
        "standard_editions",
        sa.Column("id", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("code", _CODE, nullable=False),
        sa.Column("standard", _CODE, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        *_recorded("standard_editions"),
        sa.CheckConstraint("starts <= ends", name=op.f("ck_standard_editions_interval")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard_editions")),
    )
    op.create_index(
        "uq_standard_editions_current_code",
        "standard_editions",
        ["code"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_index(op.f("ix_standard_editions_standard"), "standard_editions", ["standard"])
    op.create_table(
        "standard_code_keys",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("place", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("edition_id", _INTEGER, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"],
            ["standard_editions.id"],
            name=op.f("fk_standard_code_keys_edition_id_standard_editions"),
        ),
        sa.PrimaryKeyConstraint("key", "place", "edition_id", name=op.f("pk_standard_code_keys")),
    )
    op.create_index(
        op.f("ix_standard_code_keys_edition_id_key"), "standard_code_keys", ["edition_id", "key"]
    )


def _create_facts() -> None:
    op.create_table(
        "standard_facts",
        sa.Column("id", _INTEGER, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("source", _CODE, nullable=False),
        sa.Column("target", _CODE, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        *_recorded("standard_facts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard_facts")),
    )
    for column in ("source", "target"):
        op.create_index(op.f(f"ix_standard_facts_{column}"), "standard_facts", [column])


def _create_releases() -> None:
    op.create_table(
        "standard_releases",
        sa.Column("number", _INTEGER, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("records", _INTEGER, nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("attributions", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_standard_releases")),
        sa.UniqueConstraint("digest", name=op.f("uq_standard_releases_digest")),
    )


def _recorded(table: str) -> list[sa.Column[object] | sa.ForeignKeyConstraint]:
    return [
        sa.Column("import_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("superseded_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["standard_imports.id"],
            name=op.f(f"fk_{table}_import_id_standard_imports"),
        ),
    ]


def _create_search() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # Contentless: the titles stand in `standard_editions`. An entry is never removed; the
        # number of a record that was superseded leads to a row that says so.
        op.execute(
            "CREATE VIRTUAL TABLE standard_search USING fts5("
            f"terms, content='', prefix='1 2 3', tokenize=\"{_TOKENIZER}\")"
        )
        return
    op.execute("CREATE TABLE standard_search (id bigint PRIMARY KEY, terms tsvector NOT NULL)")
    op.execute("CREATE INDEX ix_standard_search_terms ON standard_search USING gin (terms)")
