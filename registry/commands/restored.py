"""`lancang restored`: make a database safe to issue from after a restore to an earlier time."""

from __future__ import annotations

import secrets

import click

from registry.access.service import actor_named
from registry.audit.service import INSTALLATION, record
from registry.bodies.service import bodies
from registry.certificates.positions import pass_over_open_lists
from registry.console import Application, pass_application
from registry.kit.clock import system_clock


@click.command("restored")
@click.option("--by", "name", required=True, metavar="NAME", help="Who restored it.")
@click.option("--reason", "words", required=True, help="Why; kept in the audit trail for ever.")
@pass_application
def command(app: Application, name: str, words: str) -> None:
    """Say that the database was restored to an earlier time, before anything is issued from it.

    Certificates that were issued after that time are in other hands, and the database does not
    know their places in the status lists. Every body goes on with a new list, so that no place is
    given twice and no revocation hits a certificate that it is not about.
    """
    with app.database.begin() as session:
        known = [entry.body.id for entry in bodies(session)]
        pass_over_open_lists(session, known, choose=secrets.randbelow)
        record(
            session,
            "installation.restored",
            actor=actor_named(session, name),
            object_="installation",
            tenant=INSTALLATION,
            at=system_clock(),
            details={"reason": words, "bodies": len(known)},
        )
    app.out.print(f"{len(known)} bodies go on with new status lists")
