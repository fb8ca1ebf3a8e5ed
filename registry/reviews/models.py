"""Table of what people said about drafts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.kit.actor import MAX_PERSON_CHARS
from registry.kit.database import Base, RandomId
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
