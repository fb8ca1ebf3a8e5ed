"""`lancang print`: the pages of many certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from registry.anchoring.trees import TreeShelf
from registry.bodies.service import bodies
from registry.certificates.printing import PrintRun, Selection, Standing
from registry.certificates.rendering.paper import font_directories
from registry.console import Application, pass_application, plain
from registry.object_store import open_object_store

_SHOWN: Final = 10


@click.command("print")
@click.option(
    "--state",
    type=click.Choice([standing.value for standing in Standing]),
    default=Standing.IN_FORCE.value,
    show_default=True,
    help="Which signed certificates.",
)
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="First day (UTC) of their signing."
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="First day that is too late.")
@click.option("--body", "alias", metavar="ALIAS", help="Only those of this body.")
@click.option("--everything", is_flag=True, help="Write tokens, receipts and codes too.")
@click.option(
    "--out",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files, one folder inside for each body.",
)
@pass_application
def command(
    app: Application,
    *,
    state: str,
    since: datetime | None,
    until: datetime | None,
    alias: str | None,
    everything: bool,
    folder: Path,
) -> None:
    """Write the PDF pages of many certificates, with the letterheads of their bodies.

    Certificates that are not anchored yet are passed over and named.
    """
    known: dict[str, bytes] = {}
    if alias is not None:
        with app.database.read() as session:
            known = {each.body.alias: each.body.id for each in bodies(session)}
        if alias not in known:
            raise click.UsageError(f"no body {alias!r} is registered")
    selection = Selection(
        standing=Standing(state),
        since=_utc(since),
        until=_utc(until),
        body=None if alias is None else known[alias],
    )
    with app.progress() as bars:
        task = bars.add_task("printing", total=None)
        run = PrintRun(
            database=app.database,
            trees=TreeShelf(open_object_store(app.settings)),
            fonts=font_directories(app.settings.fonts),
            home=app.settings.home,
            verifier_host=app.settings.verifier_host,
            everything=everything,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
        printed = run.run(selection, folder)
    app.out.print(plain(f"{printed.written} printed into {folder}"), style="bold green")
    if printed.waiting:
        shown = ", ".join(printed.waiting[:_SHOWN])
        app.err.print(plain(f"{len(printed.waiting)} are not anchored yet: {shown}"))
        app.err.print("next: lancang anchor --wait, then this again")


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)
