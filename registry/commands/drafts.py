"""`lancang drafts`: what waits between its maker and its approver."""

from __future__ import annotations

import json
from pathlib import Path

import click

from registry.access.domain import Reach
from registry.certificates import service
from registry.certificates.amendments import changes_of
from registry.certificates.domain import State
from registry.certificates.intake import Intake
from registry.certificates.issuing import PORTION, Issuer
from registry.certificates.listing import MAX_PAGE, Wanted, page_of
from registry.certificates.repository import ids_in_state
from registry.certificates.signed_contents import document_of
from registry.console import Application, pass_application, plain
from registry.import_report import LANGUAGE_OPTION, report_problems
from registry.kit.actor import Actor
from registry.kit.chunks import chunks
from registry.kit.clock import system_clock
from registry.kit.import_problems import ImportRefusedError
from registry.reviews import service as reviews
from registry.signing.connect import open_signer

_EVERYTHING = Reach(everywhere=True, parties=frozenset(), bodies=frozenset())
_BY = click.option("--by", "name", required=True, metavar="NAME", help="Who does it.")
_IDS = click.argument("certificate_ids", metavar="ID...", nargs=-1, required=True, type=click.UUID)
_ID = click.argument("certificate_id", metavar="ID", type=click.UUID)


@click.group("drafts")
def command() -> None:
    """Import drafts, review them, approve them. A draft is approved by another than its maker."""


@command.command("add")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@_BY
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@LANGUAGE_OPTION
@pass_application
def add(
    app: Application,
    *,
    files: tuple[Path, ...],
    name: str,
    as_json: bool,
    language: str | None,
) -> None:
    """Store the documents in FILES as drafts, all of them or none."""
    contents = [(str(path), path.read_bytes()) for path in files]
    intake = Intake(database=app.database, maker=Actor(name))
    try:
        outcome = intake.store(intake.check(contents))
    except ImportRefusedError as error:
        report_problems(app, error.problems, as_json=as_json, language=language)
        raise click.exceptions.Exit(1) from error
    if as_json:
        for identifier in outcome.ids:
            click.echo(json.dumps({"id": identifier}))
        return
    app.out.print(f"{outcome.created} drafts stored", style="bold green")
    app.out.print("next: lancang drafts list")


@command.command("list")
@pass_application
def show_list(app: Application) -> None:
    """List the drafts, the newest first, and say which were returned."""
    with app.database.read() as session:
        wanted = Wanted(state=State.DRAFT)
        found = page_of(session, _EVERYTHING, wanted, after=None, limit=MAX_PAGE)
        returned = reviews.returned(session, [each.row.id for each in found])
    for each in found:
        row = each.row
        stands = f"returned: {returned[row.id].remarks}" if row.id in returned else "waits"
        parts = (row.id, row.number, f"revision {row.revision}", f"by {row.maker}", stands)
        app.out.print(plain("  ".join(parts)))
    app.out.print(f"drafts: {len(found)}" + (" or more" if len(found) == MAX_PAGE else ""))


@command.command("show")
@_ID
@pass_application
def show(app: Application, *, certificate_id: object) -> None:
    """Print a draft: its document, what it changes in an amendment, and the remarks."""
    identifier = str(certificate_id)
    with app.database.read() as session:
        [row] = service.get_certificates(session, [identifier])
        changes = changes_of(session, row)
        document = document_of(session, row)
        said = reviews.reviews_of(session, identifier)
    content = json.dumps(json.loads(document), ensure_ascii=False, indent=1)
    for line in content.splitlines():
        app.out.print(plain(line))
    for change in changes:
        app.out.print(plain(f"changed {change.path}: {change.before} → {change.after}"))
    for each in said:
        app.out.print(plain(f"{each.act.value} by {each.person_name}: {each.remarks}"))


@command.command("approve")
@_IDS
@_BY
@pass_application
def approve(app: Application, *, certificate_ids: tuple[object, ...], name: str) -> None:
    """Approve the drafts ID as they are now, all of them or none."""
    identifiers = [str(each) for each in certificate_ids]
    with app.database.begin() as session:
        reviews.check_not_returned(session, identifiers)
        service.approve(session, identifiers, approver=Actor(name), at=system_clock())
    app.out.print(f"{len(identifiers)} approved", style="bold green")
    app.out.print("next: lancang drafts sign")


@command.command("sign")
@pass_application
def sign(app: Application) -> None:
    """Sign everything that is approved, in portions; what is signed is kept."""
    with app.database.read() as session:
        approved = ids_in_state(session, State.APPROVED)
    done = 0
    with app.progress() as bars, open_signer(app.settings) as signer:
        task = bars.add_task("signing", total=len(approved))
        issuer = Issuer(database=app.database, signer=signer)
        for part in chunks(approved, PORTION):
            done += len(issuer.issue(part))
            bars.update(task, completed=done)
    app.out.print(f"{done} signed", style="bold green")
    app.out.print("next: lancang anchor --wait")


@command.command("return")
@_ID
@_BY
@click.option("--remarks", required=True, metavar="TEXT", help="What is wrong.")
@pass_application
def send_back(app: Application, *, certificate_id: object, name: str, remarks: str) -> None:
    """Return the draft ID to its maker with remarks."""
    with app.database.begin() as session:
        [row] = service.get_certificates(session, [str(certificate_id)], for_update=True)
        reviews.return_draft(session, row, remarks=remarks, actor=Actor(name), at=system_clock())
    app.out.print(plain(f"{row.number} was returned to {row.maker}"))


@command.command("withdraw")
@_ID
@_BY
@click.option("--remarks", required=True, metavar="TEXT", help="What is wrong.")
@pass_application
def withdraw(app: Application, *, certificate_id: object, name: str, remarks: str) -> None:
    """Take back the approval of ID, which is not signed yet; it returns to its maker."""
    with app.database.begin() as session:
        [row] = service.get_certificates(session, [str(certificate_id)], for_update=True)
        reviews.withdraw_approval(
            session, row, remarks=remarks, actor=Actor(name), at=system_clock()
        )
    app.out.print(plain(f"{row.number} was returned to {row.maker}"))


@command.command("submit")
@_ID
@_BY
@click.option("--remarks", default="", metavar="TEXT", help="Answer to the remarks.")
@pass_application
def submit(app: Application, *, certificate_id: object, name: str, remarks: str) -> None:
    """Hand the returned draft ID in again."""
    with app.database.begin() as session:
        [row] = service.get_certificates(session, [str(certificate_id)], for_update=True)
        reviews.submit_again(session, row, remarks=remarks, actor=Actor(name), at=system_clock())
    app.out.print(plain(f"{row.number} waits for approval"))


@command.command("discard")
@_ID
@_BY
@pass_application
def discard(app: Application, *, certificate_id: object, name: str) -> None:
    """Delete the draft ID; only its maker does. Its number can be used again."""
    with app.database.begin() as session:
        [row] = service.get_certificates(session, [str(certificate_id)], for_update=True)
        reviews.discard(session, row, actor=Actor(name), at=system_clock())
    app.out.print(plain(f"{row.number} was discarded"))
