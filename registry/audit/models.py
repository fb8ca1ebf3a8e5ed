"""Tables of the audit trail. Triggers refuse every change and deletion of what was written."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.audit.domain import Outcome
from registry.kit.actor import MAX_NAME_CHARS, MAX_PERSON_CHARS
from registry.kit.database import Base, Digest

MAX_ACTION_CHARS: Final = 64
MAX_OBJECT_CHARS: Final = 200
MAX_TENANT_CHARS: Final = 80  # body: and 64 digits
MAX_REQUEST_CHARS: Final = 64
HEAD_ID: Final = 1


class AuditEntryRow(Base):
    """One act at its place in the chain. Never edited, never deleted."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        CheckConstraint("sequence >= 1", name="sequence"),
        CheckConstraint("length(previous) = 32 AND length(hash) = 32", name="hash_bytes"),
        Index(None, "tenant", "sequence"),
        Index(None, "object", "sequence"),
        Index(None, "person", "sequence"),
    )

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(MAX_NAME_CHARS))
    person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    action: Mapped[str] = mapped_column(String(MAX_ACTION_CHARS))
    object: Mapped[str] = mapped_column(String(MAX_OBJECT_CHARS))
    tenant: Mapped[str] = mapped_column(String(MAX_TENANT_CHARS))
    outcome: Mapped[Outcome]
    request_id: Mapped[str | None] = mapped_column(String(MAX_REQUEST_CHARS))
    details: Mapped[str] = mapped_column(Text)  # canonical JSON
    previous: Mapped[Digest]
    hash: Mapped[Digest] = mapped_column(unique=True)


class AuditHeadRow(Base):
    """The newest entry. Its single row is locked by whoever appends, so places have no gaps."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    hash: Mapped[Digest]


class AnchoredHeadRow(Base):
    """A head that was queued to be anchored, at most one for each day. Never edited."""

    __tablename__ = "audit_anchored_heads"

    day: Mapped[date] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(ForeignKey("audit_entries.sequence"), unique=True)
    hash: Mapped[Digest]
    leaf: Mapped[Digest] = mapped_column(unique=True)
    entry: Mapped[bytes]  # the bytes behind the leaf
