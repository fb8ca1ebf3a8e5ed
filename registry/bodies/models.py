"""Tables of bodies, their scope documents and the public parts of their keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from registry.kit.actor import MAX_PERSON_CHARS
from registry.kit.database import Base, Digest, Number, RandomId
from verifier.checks.facts import BodyKind, KeyPurpose
from verifier.core.keys import Algorithm


class BodyRow(Base):
    """A conformity assessment body. `alias` is its short name in import files."""

    __tablename__ = "bodies"
    __table_args__ = (
        UniqueConstraint("party_id", "did"),
        CheckConstraint("length(id) = 32", name="id_bytes"),
    )

    id: Mapped[Digest] = mapped_column(primary_key=True)
    alias: Mapped[str] = mapped_column(String(64), unique=True)
    party_id: Mapped[str] = mapped_column(ForeignKey("parties.id"))
    kind: Mapped[BodyKind] = mapped_column(Number(BodyKind))
    did: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2))
    name: Mapped[str] = mapped_column(Text)  # JSON: text by language
    identifiers: Mapped[str] = mapped_column(Text)  # JSON: number by scheme, e.g. "cnas"
    demonstration: Mapped[bool]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(100))
    on_chain_since: Mapped[datetime | None]


class ScopeDocumentRow(Base):
    """A published scope: exact bytes, speaking for [effective_from, effective_until).

    Rows are never edited; a change of the scope is a new document.
    """

    __tablename__ = "scope_documents"
    __table_args__ = (
        CheckConstraint("length(sha256) = 32", name="sha256_bytes"),
        CheckConstraint(
            "effective_until IS NULL OR effective_from < effective_until", name="interval"
        ),
        Index(None, "body_id", "effective_from"),
    )

    sha256: Mapped[Digest] = mapped_column(primary_key=True)
    body_id: Mapped[Digest] = mapped_column(ForeignKey("bodies.id"))
    content: Mapped[bytes]
    effective_from: Mapped[datetime]
    effective_until: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(100))
    on_chain_since: Mapped[datetime | None]


class BodyKeyRow(Base):
    """Public part of a signing key. A key belongs to one body and serves one purpose.

    `on_chain_since` is the block time of its registration; before it nothing is signed with it, nor
    before `use_from`, which a key that waits for its rotation has not got. `sign_until`,
    `anchor_until` and `revoked_at` are exclusive ends, None while open, and move only ever earlier.
    `stopped_at` is set while a report of its compromise waits for a second person.
    """

    __tablename__ = "body_keys"
    __table_args__ = (
        CheckConstraint("length(thumbprint) = 32", name="thumbprint_bytes"),
        CheckConstraint("purpose BETWEEN 1 AND 4", name="purpose"),
        Index(None, "body_id", "purpose"),
    )

    thumbprint: Mapped[Digest] = mapped_column(primary_key=True)
    body_id: Mapped[Digest] = mapped_column(ForeignKey("bodies.id"))
    purpose: Mapped[KeyPurpose] = mapped_column(Number(KeyPurpose))
    algorithm: Mapped[Algorithm]
    public_key: Mapped[bytes]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    sign_until: Mapped[datetime | None]
    on_chain_since: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    use_from: Mapped[datetime | None]
    anchor_until: Mapped[datetime | None]
    compromised_since: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]


class KeyReportRow(Base):
    """A person's report that a key is compromised since a moment. Never edited."""

    __tablename__ = "key_reports"
    __table_args__ = (UniqueConstraint("id", "reporter_person"),)

    id: Mapped[RandomId] = mapped_column(primary_key=True)
    thumbprint: Mapped[Digest] = mapped_column(ForeignKey("body_keys.thumbprint"), index=True)
    since: Mapped[datetime]
    remark: Mapped[str] = mapped_column(Text)
    reporter: Mapped[str] = mapped_column(String(100))
    reporter_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    reported_at: Mapped[datetime]


class KeyReportDecisionRow(Base):
    """What a second person decided about a report. Never edited."""

    __tablename__ = "key_report_decisions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["report_id", "reporter_person"],
            ["key_reports.id", "key_reports.reporter_person"],
            name="fk_key_report_decisions_report",
        ),
        CheckConstraint("decider_person <> reporter_person", name="second_person"),
    )

    report_id: Mapped[RandomId] = mapped_column(primary_key=True)
    reporter_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    decider: Mapped[str] = mapped_column(String(100))
    decider_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    decided_at: Mapped[datetime]
    confirmed: Mapped[bool]
