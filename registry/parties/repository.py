"""Stored parties."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.kit.texts import dump_texts, load_texts
from registry.parties.domain import Party
from registry.parties.models import PartyRow


def insert(session: Session, party: Party, *, recorded_by: str, recorded_at: datetime) -> None:
    """Store a new party."""
    session.add(
        PartyRow(
            id=party.id,
            country=party.country,
            name=dump_texts(party.name),
            recorded_by=recorded_by,
            recorded_at=recorded_at,
            on_chain_since=None,
        )
    )
    session.flush()


def find_row(session: Session, party_id: str) -> PartyRow | None:
    """Return the row of a party, None when there is none."""
    return session.get(PartyRow, party_id)


def all_rows(session: Session) -> list[PartyRow]:
    """Return every party in the order of their ids."""
    return list(session.scalars(select(PartyRow).order_by(PartyRow.id)))


def to_domain(row: PartyRow) -> Party:
    """Return the party of a row."""
    return Party(id=row.id, country=row.country, name=load_texts(row.name))
