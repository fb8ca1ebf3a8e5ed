"""`lancang retention`: erase content whose period is over; move that of closed years out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import click

from registry.certificates.cold_contents import cold_ids
from registry.certificates.contents import open_contents
from registry.certificates.cooling import cold_in, cool, outline_of, warm
from registry.certificates.signed_contents import read_contents
from registry.console import Application, pass_application, plain
from registry.kit.actor import Actor
from registry.kit.clock import system_clock
from registry.kit.objects import ObjectStoreUnavailableError
from registry.object_store import open_object_store
from registry.safeguards.domain import end_of_retention
from registry.safeguards.retention import erase, expired
from registry.safeguards.tombstones import note_erasures

_PORTION: Final = 200  # certificates erased in one transaction
_YEAR: Final = click.IntRange(2000, 9998)


@click.group("retention", invoke_without_command=True)
@click.option(
    "--issued-before",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day (UTC) before which they were issued; by default where the period of the "
    "installation ends (LANCANG_RETENTION_YEARS).",
)
@click.option("--ground", metavar="TEXT", help="The rule that ends the period.")
@click.option("--by", "name", metavar="NAME", help="Who erases.")
@click.option("--yes", is_flag=True, help="Erase; without it, only say how many.")
@pass_application
def command(
    app: Application,
    issued_before: datetime | None,
    ground: str | None,
    name: str | None,
    *,
    yes: bool,
) -> None:
    """Erase disclosures and documents for good; tokens, proofs and status stay.

    Nothing is erased that is younger than the period of the installation.

    Copies that holders have still verify. Each erasure is on record with its ground, and noted in
    the object store for databases that are restored to an earlier time.
    """
    if click.get_current_context().invoked_subcommand is not None:
        if issued_before is not None or ground is not None or name is not None or yes:
            raise click.UsageError("options of an erasure do not go with a subcommand")
        return
    if ground is None or name is None:
        raise click.UsageError("an erasure needs --ground and --by")
    _erase(app, issued_before, ground=ground, name=name, yes=yes)


@command.command("cool")
@click.option("--year", required=True, type=_YEAR, help="Year (UTC) of signing, which is over.")
@click.option("--by", "name", metavar="NAME", help="Who decides so.")
@click.option("--dry-run", is_flag=True, help="Only say how many certificates and bytes.")
@pass_application
def cool_year(app: Application, year: int, name: str | None, *, dry_run: bool) -> None:
    """Delete the records of a closed year from the database, which the object store has as well.

    Each is read back from the store first and compared byte for byte. Whatever is asked of such a
    certificate works as before and reads the store. Interrupt and repeat it at will. Exit status 1
    if anything did not compare; that stays in the database.
    """
    with app.database.read() as session:
        found = outline_of(session, year)
    if dry_run:
        app.out.print(
            f"{found.ready} certificates of {year} with {found.ready_bytes} bytes would leave the "
            f"database; {found.waiting} are not in the store yet, {found.cold} left it before"
        )
        return
    if name is None:
        raise click.UsageError("this needs --by, or --dry-run")
    contents = open_contents(app.settings, app.database)
    with app.progress() as progress:
        task = progress.add_task("comparing", total=found.ready)
        done = cool(
            contents,
            year,
            actor=Actor(name),
            clock=system_clock,
            progress=lambda count: progress.update(task, completed=count),
        )
    app.out.print(
        f"{done.certificates} certificates of {year} with {done.record_bytes} bytes left the "
        "database"
    )
    for identifier, code in done.stayed:
        app.err.print(f"{identifier} stays: {code}", style="yellow")
    if done.stayed:
        raise click.exceptions.Exit(1)


@command.command("warm")
@click.argument("identifiers", metavar="[ID]...", nargs=-1, type=click.UUID)
@click.option("--year", type=_YEAR, help="Every certificate signed in this year (UTC).")
@click.option("--by", "name", required=True, metavar="NAME", help="Who decides so.")
@pass_application
def warm_some(app: Application, identifiers: tuple[UUID, ...], year: int | None, name: str) -> None:
    """Bring records back from the object store into the database."""
    if bool(identifiers) == (year is not None):
        raise click.UsageError("name certificates, or a year")
    wanted = [str(each) for each in identifiers]
    if year is not None:
        with app.database.read() as session:
            wanted = cold_in(session, year)
    brought = warm(
        open_contents(app.settings, app.database), wanted, actor=Actor(name), clock=system_clock
    )
    app.out.print(f"{brought} certificates were brought back")


def _erase(
    app: Application, issued_before: datetime | None, *, ground: str, name: str, yes: bool
) -> None:
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
        with app.database.read() as session:
            # Tokens of cold ones stay: they are fetched before the database is locked.
            waiting = expired(session, issued_before=before, limit=_PORTION)
            read_contents(session, cold_ids(session, waiting))
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
