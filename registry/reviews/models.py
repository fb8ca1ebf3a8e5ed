"""Tables of what people said about drafts, and of approvals that were withdrawn."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.kit.actor import MAX_PERSON_CHARS
from registry.kit.database import Base, Digest, RandomId
from registry.reviews.domain import ReviewAct


class DraftReviewRow(Base):
    """One return or new submission of a draft. Never edited.

    The last one of a draft decides: the tables refuse an approval after a return. It outlives a
    discarded draft, therefore it does not refer to it.
    """

    __tablename__ = "draft_reviews"
    __table_args__ = (Index(None, "certificate_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    certificate_id: Mapped[RandomId]
    act: Mapped[ReviewAct]
    remarks: Mapped[str] = mapped_column(Text)
    person_name: Mapped[str] = mapped_column(String(100))
    person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    at: Mapped[datetime]


class WithdrawnApprovalRow(Base):
    """An approval that was taken back before anything was signed. Never edited.

    The tables let an approval go only when it stands here, and let nothing stand here once the
    certificate is signed. It outlives a discarded draft, therefore it does not refer to it.
    """

    __tablename__ = "withdrawn_approvals"

    id: Mapped[int] = mapped_column(primary_key=True)
    certificate_id: Mapped[RandomId] = mapped_column(index=True)
    document_sha256: Mapped[Digest]
    approver: Mapped[str] = mapped_column(String(100))
    approver_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    approved_at: Mapped[datetime]
    withdrawn_by: Mapped[str] = mapped_column(String(100))
    withdrawn_person: Mapped[str] = mapped_column(String(MAX_PERSON_CHARS))
    withdrawn_at: Mapped[datetime]
    remarks: Mapped[str] = mapped_column(Text)
