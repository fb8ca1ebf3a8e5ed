"""`lancang migrate`: bring the database to the newest revision."""

from __future__ import annotations

import click

from registry.console import Application, pass_application
from registry.kit import schema


@click.command("migrate")
@pass_application
def command(app: Application) -> None:
    """Create or upgrade the tables of the database. Safe to repeat."""
    before = schema.current_revision(app.database)
    schema.upgrade(app.database)
    after = schema.current_revision(app.database)
    if before == after:
        app.out.print(f"database is at {after}, nothing to do")
    else:
        app.out.print(f"database upgraded from {before or 'empty'} to {after}")
