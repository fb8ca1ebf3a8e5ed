"""Tables of the parties."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.kit.database import Base


class PartyRow(Base):
    """A national authority. `on_chain_since` is the block time of its registration."""

    __tablename__ = "parties"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    country: Mapped[str] = mapped_column(String(2))
    name: Mapped[str] = mapped_column(Text)  # JSON: text by language
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(100))
    on_chain_since: Mapped[datetime | None]
