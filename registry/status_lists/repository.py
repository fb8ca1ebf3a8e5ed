"""Which status lists exist."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.certificates.models import StatusBlockRow


def list_exists(session: Session, body: bytes, list_number: int) -> bool:
    """Tell whether positions of a list of a body were ever drawn."""
    statement = select(StatusBlockRow.block).where(
        StatusBlockRow.body_id == body, StatusBlockRow.list_number == list_number
    )
    return session.scalars(statement.limit(1)).first() is not None
