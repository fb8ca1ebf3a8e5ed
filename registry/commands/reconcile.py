"""`lancang reconcile`: compare database, object store and chain."""

from __future__ import annotations

import json
from typing import Final

import click

from registry.anchoring.trees import TreeShelf
from registry.console import Application, pass_application
from registry.kit.clock import system_clock
from registry.object_store import open_object_store

_DIFFER: Final = 1
_NOT_COMPARED: Final = 3


@click.command("reconcile")
@click.option(
    "--recent",
    is_flag=True,
    help="Only what is new since the last full comparison, as `lancang serve` does by itself.",
)
@click.option(
    "--record/--no-record",
    default=True,
    help="Keep the report in the database; not while a restored database is only looked at.",
)
@pass_application
def command(app: Application, *, recent: bool, record: bool) -> None:
    """Compare database, object store and chain, each with each, and print a report as JSON.

    Nothing is repaired. Exit status: 0 they agree, 1 they do not and the report says where, 3 the
    chain or the store did not answer and nothing can be said.
    """
    # Imported here: the other commands need not load web3.
    from registry.anchoring.connect import open_chain  # noqa: PLC0415
    from registry.anchoring.errors import ChainUnavailableError  # noqa: PLC0415
    from registry.anchoring.inspection import Inspector  # noqa: PLC0415
    from registry.kit.objects import ObjectStoreUnavailableError  # noqa: PLC0415

    inspector = Inspector(
        database=app.database,
        chain=open_chain(app.settings),
        trees=TreeShelf(open_object_store(app.settings)),
        lock_folder=app.settings.home / "locks",
    )
    with app.err.status("comparing database, object store and chain"):
        if record:
            row = inspector.inspect(full=not recent)
            content, found = json.loads(row.report), row.discrepancies
        else:
            try:
                report = inspector.compare(full=not recent)
            except (ChainUnavailableError, ObjectStoreUnavailableError) as error:
                content, found = {"problem": error.code}, None
            else:
                content, found = report.to_json(), len(report.discrepancies)
    content |= {"checked_at": system_clock().isoformat()}
    click.echo(json.dumps(content, indent=2, sort_keys=True))
    if found is None:
        app.err.print("nothing could be compared", style="bold red")
        raise click.exceptions.Exit(_NOT_COMPARED)
    if found:
        app.err.print(f"{found} discrepancies", style="bold red")
        raise click.exceptions.Exit(_DIFFER)
    app.err.print("database, object store and chain agree", style="bold green")
