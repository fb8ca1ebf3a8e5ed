"""Stored people, accounts, grants, tokens and sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from registry.access.domain import Grant, Reach, Role, Tenant
from registry.access.models import (
    GrantRow,
    LoginRow,
    PageSessionRow,
    PersonRow,
    TokenRow,
    TokenScopeRow,
)


def person(session: Session, person_id: str, *, for_update: bool = False) -> PersonRow | None:
    """Return a person or machine client."""
    statement = select(PersonRow).where(PersonRow.id == person_id)
    return session.scalar(statement.with_for_update() if for_update else statement)


def people_named(session: Session, name_key: str) -> list[PersonRow]:
    """Return everybody with a name, spelling aside, whether disabled or not."""
    return list(session.scalars(select(PersonRow).where(PersonRow.name_key == name_key)))


def people_after(
    session: Session, reach: Reach, *, after: str | None, limit: int
) -> list[PersonRow]:
    """Return people by id: everybody, or those who ever had a role in the tenants of `reach`."""
    statement = select(PersonRow).order_by(PersonRow.id).limit(limit)
    if after is not None:
        statement = statement.where(PersonRow.id > after)
    if not reach.everywhere:
        granted = select(GrantRow.person_id).where(within(reach))
        statement = statement.where(PersonRow.id.in_(granted))
    return list(session.scalars(statement))


def has_any_grant(session: Session, person_id: str, reach: Reach) -> bool:
    """Tell whether a person ever had a role in the tenants of `reach`."""
    if reach.everywhere:
        return True
    statement = select(GrantRow.id).where(GrantRow.person_id == person_id, within(reach))
    return session.scalar(statement.limit(1)) is not None


def within(reach: Reach) -> ColumnElement[bool]:
    """Return the condition that a grant is in the tenants of `reach`, bodies of parties too."""
    return or_(
        GrantRow.party_id.in_(sorted(reach.parties)), GrantRow.body_id.in_(sorted(reach.bodies))
    )


def login_named(session: Session, name: str, *, for_update: bool = False) -> LoginRow | None:
    """Return the local account with this folded name."""
    statement = select(LoginRow).where(LoginRow.name == name)
    return session.scalar(statement.with_for_update() if for_update else statement)


def login_of_subject(session: Session, issuer: str, subject: str) -> LoginRow | None:
    """Return the account of an external subject."""
    return session.scalar(
        select(LoginRow).where(LoginRow.issuer == issuer, LoginRow.subject == subject)
    )


def logins_of(session: Session, person_id: str) -> list[LoginRow]:
    """Return the accounts of a person, the oldest first."""
    statement = select(LoginRow).where(LoginRow.person_id == person_id)
    return list(session.scalars(statement.order_by(LoginRow.created_at, LoginRow.id)))


def grants_of(session: Session, person_id: str) -> list[GrantRow]:
    """Return every grant that a person ever had, the oldest first."""
    statement = select(GrantRow).where(GrantRow.person_id == person_id)
    return list(session.scalars(statement.order_by(GrantRow.granted_at, GrantRow.id)))


def grants_in_force(session: Session, person_id: str, *, at: datetime) -> tuple[Grant, ...]:
    """Return the grants of a person that count at `at`, in the order of their ids."""
    return _grants(session, select(GrantRow).where(GrantRow.person_id == person_id), at=at)


def token_grants(session: Session, token: TokenRow, *, at: datetime) -> tuple[Grant, ...]:
    """Return the grants that a token may use at `at`."""
    statement = (
        select(GrantRow)
        .join(TokenScopeRow, TokenScopeRow.grant_id == GrantRow.id)
        # The owner is compared too: a scope row of a foreign grant gives nothing.
        .where(TokenScopeRow.token_id == token.id, GrantRow.person_id == token.person_id)
    )
    return _grants(session, statement, at=at)


def same_grant(
    session: Session, person_id: str, role: Role, tenant: Tenant, *, until: datetime | None,
    start: datetime,
) -> bool:  # fmt: skip
    """Tell whether a person has a role in a tenant at any moment of [start, until)."""
    statement = select(GrantRow.id).where(
        GrantRow.person_id == person_id,
        GrantRow.role == role,
        GrantRow.party_id == tenant.party if tenant.party else GrantRow.party_id.is_(None),
        GrantRow.body_id == tenant.body if tenant.body else GrantRow.body_id.is_(None),
        or_(GrantRow.valid_until.is_(None), GrantRow.valid_until > start),
    )
    if until is not None:
        statement = statement.where(GrantRow.valid_from < until)
    return session.scalar(statement.limit(1)) is not None


def token_of_digest(session: Session, digest: bytes) -> tuple[TokenRow, PersonRow] | None:
    """Return a token with its owner."""
    statement = select(TokenRow, PersonRow).join(PersonRow, PersonRow.id == TokenRow.person_id)
    row = session.execute(statement.where(TokenRow.digest == digest)).first()
    return None if row is None else (row[0], row[1])


def tokens_of(session: Session, person_ids: Iterable[str]) -> list[TokenRow]:
    """Return every token of some people, the newest first."""
    statement = select(TokenRow).where(TokenRow.person_id.in_(sorted(person_ids)))
    return list(session.scalars(statement.order_by(TokenRow.created_at.desc(), TokenRow.id)))


def machines_of(session: Session, person_id: str) -> list[PersonRow]:
    """Return the machine clients for which a person answers."""
    return list(session.scalars(select(PersonRow).where(PersonRow.responsible_id == person_id)))


def session_of_digest(
    session: Session, digest: bytes
) -> tuple[PageSessionRow, LoginRow, PersonRow] | None:
    """Return a page session with its account and person."""
    statement = (
        select(PageSessionRow, LoginRow, PersonRow)
        .join(LoginRow, LoginRow.id == PageSessionRow.login_id)
        .join(PersonRow, PersonRow.id == LoginRow.person_id)
        .where(PageSessionRow.digest == digest)
    )
    row = session.execute(statement).first()
    return None if row is None else (row[0], row[1], row[2])


def open_sessions_of(session: Session, person_id: str) -> list[PageSessionRow]:
    """Return the page sessions of a person that were not ended."""
    statement = (
        select(PageSessionRow)
        .join(LoginRow, LoginRow.id == PageSessionRow.login_id)
        .where(and_(LoginRow.person_id == person_id, PageSessionRow.ended_at.is_(None)))
    )
    return list(session.scalars(statement))


def _grants(session: Session, statement: Select[GrantRow], *, at: datetime) -> tuple[Grant, ...]:
    found = (row.to_domain() for row in session.scalars(statement.order_by(GrantRow.id)))
    return tuple(grant for grant in found if grant.in_force(at))
