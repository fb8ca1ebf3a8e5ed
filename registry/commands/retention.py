"""`lancang retention`: erase the content of certificates whose period is over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import click

from registry.console import Application, pass_application, plain
from registry.kit.actor import Actor
from registry.kit.clock import system_clock
from registry.kit.objects import ObjectStoreUnavailableError
from registry.object_store import open_object_store
from registry.safeguards.domain import end_of_retention
from registry.safeguards.retention import erase, expired
from registry.safeguards.tombstones import note_erasures

_PORTION: Final = 200  # certificates erased in one transaction


@click.command("retention")
@click.option(
    "--issued-before",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day (UTC) before which they were issued; by default where the period of the "
    "installation ends (LANCANG_RETENTION_YEARS).",
)
@click.option("--ground", required=True, metavar="TEXT", help="The rule that ends the period.")
@click.option("--by", "name", required=True, metavar="NAME", help="Who erases.")
@click.option("--yes", is_flag=True, help="Erase; without it, only say how many.")
@pass_application
def command(
    app: Application, issued_before: datetime | None, ground: str, name: str, *, yes: bool
) -> None:
    """Erase disclosures and documents for good; tokens, proofs and status stay.

    Nothing is erased that is younger than the period of the installation.

    Copies that holders have still verify. Each erasure is on record with its ground, and noted in
    the object store for databases that are restored to an earlier time.
    """
    end = end_of_retention(system_clock(), years=app.settings.retention_years)
    before = end if issued_before is None else issued_before.replace(tzinfo=UTC)
    if before > end:
        raise click.UsageError(
            f"contents are kept for {app.settings.retention_years} years "
            f"(LANCANG_RETENTION_YEARS): --issued-before is at most {end:%Y-%m-%d}"
        )
    actor = Actor(name)
    if not yes:
        with app.database.read() as session:
            count = len(expired(session, issued_before=before, limit=1_000_000))
        app.out.print(f"{count} certificates would be erased; --yes does it")
        return
    done = 0
    while True:
        with app.database.begin() as session:
            portion = expired(session, issued_before=before, limit=_PORTION)
            erase(
                session,
                portion,
                issued_before=before,
                ground=ground,
                actor=actor,
                at=system_clock(),
            )
        done += len(portion)
        if not portion:
            break
    app.out.print(f"the content of {done} certificates was erased")
    try:
        note_erasures(app.database, open_object_store(app.settings))
    except ObjectStoreUnavailableError as error:
        words = f"the object store was not told ({error}): run `lancang objects keep` later"
        app.err.print(plain(words), style="yellow")
        raise click.exceptions.Exit(1) from None
