"""`lancang issue`: documents in, signed certificates out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import click

from registry.access.service import actor_named
from registry.certificates.bulk import BulkIssue, BulkOutcome
from registry.certificates.intake import Progress, Stage
from registry.certificates.issuing import Issuer
from registry.certificates.storing import Issued
from registry.console import Application, pass_application, plain
from registry.import_report import LANGUAGE_OPTION, report_problems
from registry.kit.errors import RegistryError
from registry.kit.import_problems import ImportRefusedError
from registry.signing.connect import open_signer
from verifier.core.encoding import b64u

_SHOWN_CERTIFICATES: Final = 20
_WORDS: Final = {
    Stage.CHECK: "checking",
    Stage.STORE: "storing",
    Stage.APPROVE: "approving",
    Stage.SIGN: "signing",
}


@click.command("issue")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--maker", required=True, metavar="NAME", help="Who hands the documents in.")
@click.option("--approver", required=True, metavar="NAME", help="Who approves them: another one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@LANGUAGE_OPTION
@pass_application
def command(
    app: Application,
    files: tuple[Path, ...],
    maker: str,
    approver: str,
    *,
    as_json: bool,
    language: str | None,
) -> None:
    """Import, approve and sign the certificates and inspection records in FILES.

    A JSON file holds one document, an array of documents, or an import object; a CSV or XLSX file
    holds one result a row, see `lancang template`. If anything is wrong with any of them, every
    problem is listed and nothing is stored. Running the same command again after an interruption
    goes on where it ended.
    """
    with app.database.read() as session:
        people = actor_named(session, maker), actor_named(session, approver)
    reached: set[Stage] = set()
    contents = [(str(path), path.read_bytes()) for path in files]
    try:
        with _display(app, reached) as progress:
            bulk = BulkIssue(
                database=app.database,
                open_issuer=partial(open_issuer, app),
                maker=people[0],
                approver=people[1],
                progress=progress,
            )
            outcome = bulk.run(contents)
    except ImportRefusedError as error:
        report_problems(app, error.problems, as_json=as_json, language=language)
        raise click.exceptions.Exit(1) from error
    except RegistryError:
        if reached & {Stage.APPROVE, Stage.SIGN}:
            app.err.print("what is done is kept; run the same command again to go on")
        raise
    _report_outcome(app, outcome, as_json=as_json)


@contextmanager
def open_issuer(app: Application) -> Iterator[Issuer]:
    """Open what signs; a signer of our own ends with the context."""
    with open_signer(app.settings) as signer:
        yield Issuer(database=app.database, signer=signer)


@contextmanager
def _display(app: Application, reached: set[Stage]) -> Iterator[Progress]:
    with app.progress() as bars:
        tasks = {stage: bars.add_task(_WORDS[stage], total=None, start=False) for stage in Stage}

        def advance(stage: Stage, done: int, total: int) -> None:
            reached.add(stage)
            bars.start_task(tasks[stage])
            bars.update(tasks[stage], completed=done, total=total)

        yield advance


def _report_outcome(app: Application, outcome: BulkOutcome, *, as_json: bool) -> None:
    if as_json:
        for issued in outcome.issued:
            click.echo(json.dumps({"issued": _record(issued)}, sort_keys=True))
        return
    for issued in outcome.issued[:_SHOWN_CERTIFICATES]:
        app.out.print(
            plain(f"{issued.number}  revision {issued.revision}  {issued.certificate_id}")
        )
    if len(outcome.issued) > _SHOWN_CERTIFICATES:
        app.out.print(f"and {len(outcome.issued) - _SHOWN_CERTIFICATES} more; --json prints all")
    words = [f"{len(outcome.issued)} signed"]
    if outcome.unchanged:
        words.append(f"{outcome.unchanged} were signed before and are unchanged")
    app.out.print(", ".join(words), style="bold green")
    if outcome.issued:
        app.out.print("next: lancang anchor --wait")


def _record(issued: Issued) -> dict[str, object]:
    return {
        "id": issued.certificate_id,
        "number": issued.number,
        "revision": issued.revision,
        "leaf": b64u(issued.leaf),
    }
