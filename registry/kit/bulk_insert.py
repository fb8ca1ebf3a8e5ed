"""Many rows in one statement, without the bookkeeping of the object mapper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from registry.kit.database import Base


def insert_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of a table, after whatever the session is still holding back.

    Args:
        session: A writing transaction.
        model: Declares the table.
        rows: Values by column name, all with the same names; may be empty.
    """
    session.flush()
    if rows:
        session.execute(insert(cast("Table", model.__table__)), rows)
