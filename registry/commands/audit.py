"""`lancang audit`: the trail of every act, and the proof that none was changed."""

from __future__ import annotations

import json

import click

from registry.audit.domain import Link
from registry.audit.repository import Filter
from registry.audit.service import MAX_PAGE, entries
from registry.audit.service import verify as verify_trail
from registry.audit_heads import check_anchored, queue_audit_head
from registry.console import Application, pass_application, plain
from registry.kit.clock import system_clock


@click.group("audit")
def command() -> None:
    """Read and prove the audit trail."""


@command.command("verify")
@pass_application
def verify(app: Application) -> None:
    """Recompute every entry and compare the anchored heads; name the first that is wrong."""
    with app.database.read() as session:
        head = verify_trail(session)
        anchored = check_anchored(session)
    app.out.print(f"{head.sequence} entries hold, {anchored} daily heads were queued for the chain")
    app.out.print(f"head {head.hash.hex()}")


@command.command("list")
@click.option("--tenant", metavar="NAME", help="Only acts for e.g. party:<id>.")
@click.option("--object", "object_", metavar="NAME", help="Only acts on e.g. certificate:<id>.")
@click.option("--person", metavar="KEY", help="Only acts of this person.")
@click.option("--action", metavar="CODE", help="Only acts of this kind.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@pass_application
def list_entries(
    app: Application,
    *,
    tenant: str | None,
    object_: str | None,
    person: str | None,
    action: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List acts, the newest first."""
    before: int | None = None
    while limit > 0:
        asked = Filter(
            tenants=None if tenant is None else [tenant],
            object=object_,
            person=person,
            action=action,
            before=before,
        )
        with app.database.read() as session:
            links = entries(session, asked, limit=min(limit, MAX_PAGE))
        for link in links:
            _show(app, link, as_json=as_json)
        if not links:
            return
        limit, before = limit - len(links), links[-1].sequence


@command.command("anchor")
@pass_application
def anchor(app: Application) -> None:
    """Queue today's head of the trail to be anchored; `lancang anchor` does so by itself."""
    with app.database.begin() as session:
        leaf = queue_audit_head(session, at=system_clock())
    app.out.print("nothing is due" if leaf is None else f"queued leaf {leaf.hex()}")


def _show(app: Application, link: Link, *, as_json: bool) -> None:
    entry = link.entry
    if as_json:
        record = json.loads(entry.canonical(link.sequence))
        click.echo(json.dumps(record | {"hash": link.hash.hex()}, sort_keys=True))
        return
    moment = entry.at.isoformat(timespec="seconds")
    words = f"{link.sequence}  {moment}  {entry.actor}  {entry.action}  {entry.outcome}"
    app.out.print(plain(f"{words}  {entry.object}  {entry.tenant}"))
