"""`lancang people`: people and machine clients, their accounts and roles."""

from __future__ import annotations

import json
from datetime import datetime
from typing import IO

import click
from rich.table import Column, Table
from sqlalchemy.orm import Session

from registry.access import repository, service
from registry.access.domain import Reach, Role
from registry.access.errors import AmbiguousNameError, PersonNotFoundError
from registry.access.gate import ExternalIdentity
from registry.access.models import PersonRow
from registry.access.secrets_at_rest import Passwords
from registry.access.service import By, GrantRequest
from registry.console import Application, pass_application, plain
from registry.kit.actor import folded_name
from registry.kit.clock import system_clock
from registry.tenant_directory import RegisteredTenants

_PAGE = 500
_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"])
_BY = click.option("--by", "by_name", default="operator", show_default=True, help="Who does it.")


@click.group("people")
def command() -> None:
    """Add people and machine clients, give and take roles."""


@command.command("add")
@click.argument("name")
@click.option("--login", metavar="NAME", help="Give a local account; its password is asked for.")
@click.option(
    "--password-file",
    type=click.File("r"),
    help="First line is the password; - reads standard input.",
)
@click.option("--issuer", metavar="URL", help="Identity provider of an external account.")
@click.option("--subject", metavar="ID", help="Name of the person at that provider.")
@click.option(
    "--account-of", metavar="PERSON", help="Add the account to a person who is there already."
)
@click.option(
    "--answered-for-by", metavar="PERSON", help="Make it a machine client of this person."
)
@_BY
@pass_application
def add(
    app: Application,
    *,
    name: str,
    login: str | None,
    password_file: IO[str] | None,
    issuer: str | None,
    subject: str | None,
    account_of: str | None,
    answered_for_by: str | None,
    by_name: str,
) -> None:
    """Add the person NAME, or one more account of somebody.

    Acts through all accounts of a person are that person's: he never approves what he made.
    """
    if (issuer is None) != (subject is None) or (login and issuer):
        raise click.UsageError("give either --login, or --issuer with --subject")
    if account_of is not None and not (login or issuer):
        raise click.UsageError("--account-of goes with --login, or --issuer and --subject")
    local = None if login is None else (login, Passwords().hash(_password(password_file)))
    external = None
    if issuer is not None and subject is not None:
        external = ExternalIdentity(issuer=issuer, subject=subject)
    now = system_clock()
    with app.database.begin() as session:
        by = By(service.actor_named(session, by_name))
        if account_of is None:
            machine_of = answered_for_by and find_person(session, answered_for_by).id
            row = service.add_person(session, name, by=by, at=now, responsible=machine_of or None)
        else:
            row = find_person(session, account_of)
        if local is not None or external is not None:
            service.add_login(session, row, by=by, at=now, local=local, external=external)
    app.out.print(plain(f"{row.id}  {row.name}"))


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@pass_application
def list_people(app: Application, *, as_json: bool) -> None:
    """List everybody with the roles that count now."""
    everywhere = Reach(everywhere=True, parties=frozenset(), bodies=frozenset())
    now, after = system_clock(), None
    table = Table(Column("id", min_width=36), "name", "kind", "roles now")
    with app.database.read() as session:
        while rows := repository.people_after(session, everywhere, after=after, limit=_PAGE):
            after = rows[-1].id
            for row in rows:
                grants = repository.grants_in_force(session, row.id, at=now)
                roles = [f"{grant.role} {grant.tenant.name}" for grant in grants]
                if as_json:
                    click.echo(json.dumps(_record(row, roles), sort_keys=True))
                kind = "machine" if row.machine else "person"
                kind += ", disabled" if row.disabled_at else ""
                table.add_row(row.id, plain(row.name), kind, plain("\n".join(roles)))
    if not as_json:
        app.out.print(table)


@command.command("grant")
@click.argument("person")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.argument("tenant")
@click.option("--from", "start", type=_MOMENT, help="First moment; now if left out.")
@click.option("--until", "end", type=_MOMENT, help="First moment after it; open if left out.")
@_BY
@pass_application
def grant(
    app: Application,
    *,
    person: str,
    role: str,
    tenant: str,
    start: datetime | None,
    end: datetime | None,
    by_name: str,
) -> None:
    """Give PERSON a ROLE in TENANT: a body's alias or id, a party's id, or "installation"."""
    now = system_clock()
    with app.database.begin() as session:
        asked = GrantRequest(
            role=Role(role),
            tenant=RegisteredTenants().resolve(session, tenant),
            valid_from=utc(start),
            valid_until=utc(end),
        )
        by = By(service.actor_named(session, by_name))
        found = find_person(session, person)
        row = service.grant(session, found.id, asked, by=by, at=now)
    app.out.print(plain(f"{row.id}  {found.name} is {row.role} of {row.tenant.name}"))


@command.command("revoke")
@click.argument("person")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.argument("tenant")
@_BY
@pass_application
def revoke(app: Application, *, person: str, role: str, tenant: str, by_name: str) -> None:
    """Take a ROLE in TENANT from PERSON, now; tokens that use it lose it at once."""
    now = system_clock()
    with app.database.begin() as session:
        by = By(service.actor_named(session, by_name))
        place = RegisteredTenants().resolve(session, tenant)
        found = find_person(session, person)
        ended = [
            row
            for row in repository.grants_of(session, found.id)
            if (row.role, row.tenant) == (role, place)
            and (row.valid_until is None or row.valid_until > now)
        ]
        for row in ended:
            service.revoke_grant(session, row.id, by=by, at=now)
    app.out.print(plain(f"{len(ended)} ended"))


@command.command("disable")
@click.argument("person")
@_BY
@pass_application
def disable(app: Application, *, person: str, by_name: str) -> None:
    """Shut PERSON out for good: no sign-in, session or token of his counts any more."""
    with app.database.begin() as session:
        by = By(service.actor_named(session, by_name))
        found = find_person(session, person)
        service.disable_person(session, found, by=by, at=system_clock())
    app.out.print(plain(f"{found.name} is shut out"))


def find_person(session: Session, text: str) -> PersonRow:
    """Return the person that an id, a sign-in name or a name stands for.

    Raises:
        PersonNotFoundError: Nobody.
        AmbiguousNameError: Several people have the name.
    """
    login = repository.login_named(session, folded_name(text))
    row = repository.person(session, login.person_id if login else text)
    if row is not None:
        return row
    rows = repository.people_named(session, folded_name(text))
    if len(rows) > 1:
        raise AmbiguousNameError(f"{len(rows)} people are called {text}; use an id")
    if not rows:
        raise PersonNotFoundError(f"there is nobody called {text}")
    return rows[0]


def utc(moment: datetime | None) -> datetime | None:
    """Return a moment from the command line with its zone; UTC where none was given."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=system_clock().tzinfo)


def _password(file: IO[str] | None) -> str:
    if file is not None:
        return file.readline().rstrip("\r\n")
    answer: str = click.prompt("password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _record(row: PersonRow, roles: list[str]) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "machine": row.machine,
        "disabled": row.disabled_at is not None,
        "roles": roles,
    }
