"""People, accounts and grants: who may add, change and end them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry.access import repository
from registry.access.domain import (
    GRANTED_IN,
    HUMAN_ROLES,
    INSTALLATION,
    Action,
    Role,
    Tenant,
    may_grant,
)
from registry.access.errors import (
    AmbiguousNameError,
    GrantExistsError,
    GrantNotFoundError,
    LoginTakenError,
    NotPermittedError,
    PersonNotFoundError,
    SelfGrantError,
    UnusableGrantError,
)
from registry.access.gate import ExternalIdentity
from registry.access.models import (
    GrantRow,
    LoginRow,
    PersonRow,
)
from registry.access.principal import Principal, RefusedError, require
from registry.audit.service import record
from registry.kit.actor import Actor, folded_name
from registry.kit.errors import InvalidInputError
from registry.kit.identifiers import new_id
from verifier.core.strict_json import JsonValue


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something here.

    Attributes:
        actor: As recorded.
        principal: Whose grants decide; None for an operator at the command line, who needs none
            because he holds the database.
    """

    actor: Actor
    principal: Principal | None = None

    @classmethod
    def of(cls, principal: Principal) -> By:
        """Return a principal who acts over HTTP."""
        return cls(principal.actor, principal)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRequest:
    """A role to be given.

    Attributes:
        role: The role.
        tenant: Where.
        valid_from: First moment; None for now.
        valid_until: First moment after it; None while open.
    """

    role: Role
    tenant: Tenant
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def add_person(
    session: Session, name: str, *, by: By, at: datetime, responsible: str | None = None
) -> PersonRow:
    """Add a person, or a machine client for which a person answers.

    Args:
        session: A writing transaction.
        name: As shown in histories; several people may have the same.
        by: Who adds.
        at: When.
        responsible: Id of the person who answers for a machine client; None for a person.

    Raises:
        InvalidInputError: The name cannot be shown, or a machine answers for a machine.
        PersonNotFoundError: There is no such responsible person.
    """
    Actor(name)
    if responsible is not None and get_person(session, responsible).machine:
        raise InvalidInputError("a person answers for a machine client, not another machine")
    row = PersonRow(
        id=new_id(),
        name=name,
        name_key=folded_name(name),
        machine=responsible is not None,
        responsible_id=responsible,
        created_at=at,
        created_by=by.actor.name,
        disabled_at=None,
    )
    session.add(row)
    session.flush()
    record_about(session, "person.add", row.id, by=by, at=at, details={"machine": row.machine})
    return row


def add_login(
    session: Session,
    person: PersonRow,
    *,
    by: By,
    at: datetime,
    local: tuple[str, str] | None = None,
    external: ExternalIdentity | None = None,
) -> LoginRow:
    """Give a person one more way to sign in; acts through each of them are his own.

    Args:
        session: A writing transaction.
        person: The person; a machine client uses tokens.
        by: Who adds.
        at: When.
        local: Sign-in name and encoded hash of the password.
        external: Identity at an identity provider, instead.

    Raises:
        InvalidInputError: It is a machine client, or the name cannot be shown.
        LoginTakenError: Somebody has this name or identity.
    """
    if person.machine:
        raise InvalidInputError("a machine client has tokens, no password")
    name, password_hash = local or (None, None)
    row = LoginRow(
        id=new_id(),
        person_id=person.id,
        name=None if name is None else Actor(name).person,
        password_hash=password_hash,
        issuer=None if external is None else external.issuer,
        subject=None if external is None else external.subject,
        failed_attempts=0,
        refused_until=None,
        created_at=at,
        disabled_at=None,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise LoginTakenError("somebody signs in with this already") from error
    record_about(session, "login.add", person.id, by=by, at=at, details={"login": row.id})
    return row


def get_person(
    session: Session, person_id: str, *, principal: Principal | None = None
) -> PersonRow:
    """Return a person, if the principal may know of him.

    Raises:
        PersonNotFoundError: There is none, or he never had a role where the principal looks after
            people.
    """
    row = repository.person(session, person_id)
    missing = PersonNotFoundError("there is no such person")
    if row is None:
        raise missing
    if principal is None or principal.id in (person_id, row.responsible_id):
        return row
    if not repository.has_any_grant(session, person_id, principal.reach(Action.PEOPLE_READ)):
        raise missing from RefusedError(principal, Action.PEOPLE_READ, INSTALLATION)
    return row


def actor_named(session: Session, name: str) -> Actor:
    """Return who acts under a name at the command line.

    A sign-in name, id or name of a registered person stands for that person; any other name for
    itself.

    Raises:
        InvalidInputError: The name cannot be shown.
        AmbiguousNameError: Several people have it.
    """
    actor = Actor(name)
    login = repository.login_named(session, actor.person)
    found = [repository.person(session, login.person_id if login else name.strip())]
    rows = [row for row in found if row] or repository.people_named(session, actor.person)
    if len(rows) > 1:
        raise AmbiguousNameError(f"{len(rows)} people are called {name}; use a sign-in name")
    return Actor(rows[0].name, key=rows[0].answerable) if rows else actor


def grant(
    session: Session, person_id: str, asked: GrantRequest, *, by: By, at: datetime
) -> GrantRow:
    """Give a person a role.

    Raises:
        PersonNotFoundError: There is no such person.
        SelfGrantError: Giver and person are the same.
        NotFoundError: The tenant is foreign to the giver.
        NotPermittedError: He gives no such role there.
        UnusableGrantError: The role makes no sense there, or the interval is empty.
        GrantExistsError: The person has the role there at the same time.
    """
    person = repository.person(session, person_id, for_update=True)
    if person is None:
        raise PersonNotFoundError("there is no such person")
    _check_giver(by, asked, person)
    start = at if asked.valid_from is None else asked.valid_from
    if asked.tenant.kind not in GRANTED_IN[asked.role]:
        raise UnusableGrantError(f"nobody is {asked.role} of a {asked.tenant.kind}")
    if person.machine and asked.role in HUMAN_ROLES:
        raise UnusableGrantError(f"no machine client is {asked.role}")
    if asked.valid_until is not None and asked.valid_until <= max(start, at):
        raise UnusableGrantError("the grant would never count")
    if repository.same_grant(
        session, person_id, asked.role, asked.tenant, start=start, until=asked.valid_until
    ):
        raise GrantExistsError(f"{person.name} is {asked.role} there already")
    row = GrantRow(
        id=new_id(),
        person_id=person_id,
        role=asked.role,
        party_id=asked.tenant.party,
        body_id=asked.tenant.body,
        valid_from=start,
        valid_until=asked.valid_until,
        granted_by=by.actor.name,
        granted_by_person=by.actor.person,
        granted_at=at,
    )
    session.add(row)
    session.flush()
    record_about(
        session,
        "grant.add",
        person_id,
        by=by,
        at=at,
        tenant=asked.tenant,
        details={"grant": row.id, "role": asked.role.value},
    )
    return row


def revoke_grant(session: Session, grant_id: str, *, by: By, at: datetime) -> None:
    """End a grant now; ending one that has ended changes nothing.

    Raises:
        GrantNotFoundError: There is no such grant, or its tenant is foreign.
        NotPermittedError: The principal takes no such role away.
    """
    row = session.get(GrantRow, grant_id, with_for_update=True)
    missing = GrantNotFoundError("there is no such grant")
    if row is None:
        raise missing
    principal = by.principal
    if principal is not None:
        require(principal, Action.PEOPLE_MANAGE, row.tenant, missing=missing)
        _check_may_grant(principal, row.role, row.tenant)
    if row.valid_until is not None and row.valid_until <= at:
        return
    row.valid_until = max(at, row.valid_from)
    session.flush()
    record_about(
        session,
        "grant.revoke",
        row.person_id,
        by=by,
        at=at,
        tenant=row.tenant,
        details={"grant": row.id, "role": row.role.value},
    )


def disable_person(session: Session, person: PersonRow, *, by: By, at: datetime) -> None:
    """Shut a person or machine client out for good: no sign-in, no token, no session counts."""
    if person.disabled_at is None:
        person.disabled_at = at
        session.flush()
        record_about(session, "person.disable", person.id, by=by, at=at)


def _check_giver(by: By, asked: GrantRequest, person: PersonRow) -> None:
    principal = by.principal
    if principal is None:
        return
    require(principal, Action.PEOPLE_MANAGE, asked.tenant)
    _check_may_grant(principal, asked.role, asked.tenant)
    if person.id == principal.person:
        cause = RefusedError(principal, Action.PEOPLE_MANAGE, asked.tenant)
        raise SelfGrantError("nobody gives himself a role") from cause


def _check_may_grant(principal: Principal, role: Role, tenant: Tenant) -> None:
    if not may_grant(principal.grants, role, tenant):
        cause = RefusedError(principal, Action.PEOPLE_MANAGE, tenant)
        raise NotPermittedError(f"none of your roles gives or takes {role}") from cause


def record_about(
    session: Session,
    action: str,
    person_id: str,
    *,
    by: By,
    at: datetime,
    tenant: Tenant = INSTALLATION,
    details: dict[str, JsonValue] | None = None,
) -> None:
    """Record an act that concerns a person; only codes and ids go into `details`."""
    record(
        session,
        action,
        actor=by.actor,
        object_=f"person:{person_id}",
        tenant=tenant.name,
        at=at,
        details=details,
    )
