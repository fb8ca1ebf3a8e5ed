"""Table of answers to requests that carried an idempotency key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from registry.kit.database import Base, Digest, RandomId

MAX_KEY_CHARS = 128


class AnsweredRequestRow(Base):
    """An answer that is given again when the same client repeats the same request."""

    __tablename__ = "answered_requests"
    __table_args__ = (
        CheckConstraint("length(request_sha256) = 32", name="request_sha256_bytes"),
        Index(None, "answered_at"),
    )

    principal_id: Mapped[RandomId] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(MAX_KEY_CHARS), primary_key=True)
    request_sha256: Mapped[Digest]
    status: Mapped[int]
    location: Mapped[str | None] = mapped_column(String(200))
    content: Mapped[bytes]
    answered_at: Mapped[datetime]
