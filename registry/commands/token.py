"""`lancang token`: API tokens of people and machine clients."""

from __future__ import annotations

import json
from datetime import timedelta

import click
from rich.table import Column, Table

from registry.access import repository, service, tokens
from registry.access.connect import open_gate
from registry.access.service import By
from registry.commands.people import find_person
from registry.console import Application, pass_application, plain
from registry.kit.clock import system_clock

_BY = click.option("--by", "by_name", default="operator", show_default=True, help="Who does it.")


@click.group("token")
def command() -> None:
    """Make, revoke and list API tokens."""


@command.command("create")
@click.argument("person")
@click.option("--label", required=True, help="What it is for.")
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True)
@click.option(
    "--grant", "only", metavar="ID", multiple=True, help="Only this role; all of them if left out."
)
@_BY
@pass_application
def create(
    app: Application, *, person: str, label: str, days: int, only: tuple[str, ...], by_name: str
) -> None:
    """Make a token for PERSON and print it, this once."""
    gate, now = open_gate(app.settings, app.database), system_clock()
    with app.database.begin() as session:
        owner = find_person(session, person)
        held = [grant.id for grant in repository.grants_in_force(session, owner.id, at=now)]
        made = tokens.create_token(
            session,
            gate.key,
            owner,
            label=label,
            grants=only or held,
            expires_at=now + timedelta(days=days),
            by=By(service.actor_named(session, by_name)),
            at=now,
        )
    app.err.print(plain(f"token {made.row.id} of {owner.name}; it is not shown again"))
    click.echo(made.secret)


@command.command("revoke")
@click.argument("token_id", metavar="ID", type=click.UUID)
@_BY
@pass_application
def revoke(app: Application, *, token_id: object, by_name: str) -> None:
    """Revoke the token ID at once."""
    with app.database.begin() as session:
        by = By(service.actor_named(session, by_name))
        tokens.revoke_token(session, str(token_id), by=by, at=system_clock())
    app.out.print(f"token {token_id} is revoked")


@command.command("list")
@click.argument("person")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@pass_application
def list_tokens(app: Application, *, person: str, as_json: bool) -> None:
    """List the tokens of PERSON; secrets are never shown again."""
    table = Table(Column("id", min_width=36), "label", "expires", "revoked", "last used")
    with app.database.read() as session:
        for row in repository.tokens_of(session, [find_person(session, person).id]):
            moments = {
                "expires_at": row.expires_at.isoformat(),
                "revoked_at": row.revoked_at and row.revoked_at.isoformat(),
                "last_used_at": row.last_used_at and row.last_used_at.isoformat(),
            }
            if as_json:
                record = {"id": row.id, "label": row.label, **moments}
                click.echo(json.dumps(record, sort_keys=True))
            table.add_row(row.id, plain(row.label), *(text or "" for text in moments.values()))
    if not as_json:
        app.out.print(table)
