"""`lancang reconcile`: compare database, object store and chain."""

from __future__ import annotations

import json

import click

from registry.anchoring.trees import TreeShelf
from registry.console import Application, pass_application
from registry.kit.clock import system_clock
from registry.object_store import open_object_store


@click.command("reconcile")
@pass_application
def command(app: Application) -> None:
    """Compare database, object store and chain, each with each, and print a report as JSON.

    Nothing is repaired. Exit status: 0 they agree, 1 they do not (the report says where), or the
    chain did not answer.
    """
    # Imported here: the other commands need not load web3.
    from registry.anchoring.connect import open_chain  # noqa: PLC0415
    from registry.anchoring.reconciliation import reconcile  # noqa: PLC0415

    chain = open_chain(app.settings)
    trees = TreeShelf(open_object_store(app.settings))
    with app.err.status("comparing database, object store and chain"):
        report = reconcile(app.database, chain, trees, now=system_clock())
    content = report.to_json() | {"checked_at": system_clock().isoformat()}
    click.echo(json.dumps(content, indent=2, sort_keys=True))
    if report.discrepancies:
        app.err.print(f"{len(report.discrepancies)} discrepancies", style="bold red")
        raise click.exceptions.Exit(1)
    app.err.print("database, object store and chain agree", style="bold green")
