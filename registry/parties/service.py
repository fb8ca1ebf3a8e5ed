"""Registering parties here and noting when the chain knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from registry.audit.service import party_tenant, record
from registry.kit.actor import Actor
from registry.parties import repository
from registry.parties.domain import Party
from registry.parties.errors import PartyDiffersError, PartyNotFoundError


@dataclass(frozen=True, slots=True)
class RegisteredParty:
    """A party and the block time since which the chain knows it, None before."""

    party: Party
    on_chain_since: datetime | None


def register_party(session: Session, party: Party, *, actor: Actor, at: datetime) -> None:
    """Record a party; recording the same again changes nothing.

    Raises:
        PartyDiffersError: The id is taken by a party with another content.
    """
    row = repository.find_row(session, party.id)
    if row is None:
        repository.insert(session, party, recorded_by=actor.name, recorded_at=at)
        tenant = party_tenant(party.id)
        record(session, "party.register", actor=actor, object_=tenant, tenant=tenant, at=at)
    elif repository.to_domain(row) != party:
        raise PartyDiffersError(f"party {party.id} is registered with another name or country")


def parties(session: Session) -> list[RegisteredParty]:
    """Return every party in the order of their ids."""
    return [
        RegisteredParty(repository.to_domain(row), row.on_chain_since)
        for row in repository.all_rows(session)
    ]


def get_party(session: Session, party_id: str) -> RegisteredParty:
    """Return one party.

    Raises:
        PartyNotFoundError: There is none with this id.
    """
    row = repository.find_row(session, party_id)
    if row is None:
        raise PartyNotFoundError(f"there is no party {party_id}")
    return RegisteredParty(repository.to_domain(row), row.on_chain_since)


def mark_party_on_chain(session: Session, party_id: str, since: datetime) -> None:
    """Note the block time at which the chain recorded a party; the first note stands.

    Raises:
        PartyNotFoundError: There is none with this id.
    """
    row = repository.find_row(session, party_id)
    if row is None:
        raise PartyNotFoundError(f"there is no party {party_id}")
    if row.on_chain_since is None:
        row.on_chain_since = since
        session.flush()
