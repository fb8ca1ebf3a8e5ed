"""`lancang objects`: check the object store, read from it, change its key, recover from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from registry.certificates.content_audit import (
    ContentReport,
    Recovered,
    check,
    read_keys,
    recover,
)
from registry.certificates.contents import open_contents, rewrap
from registry.console import Application, pass_application
from registry.kit.errors import InvalidInputError
from registry.kit.files import write_atomically
from registry.kit.objects.key_ring import WrappedKey
from registry.object_store import open_key_ring, open_object_store
from registry.safeguards.tombstones import note_erasures, undone
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import VerifierError
from verifier.core.merkle import InclusionProof
from verifier.core.receipt import LeafProof, Receipt, build_receipt
from verifier.core.strict_json import parse_json_object

_PORTION: Final = 1000  # data keys wrapped anew in one transaction


class KeyListError(InvalidInputError):
    """A list of wrapped data keys is malformed."""

    code = "key_list_malformed"


@click.group("objects")
def command() -> None:
    """Look after the object store: trees of batches, and the contents of certificates."""


@command.command("check")
@pass_application
def check_store(app: Application) -> None:
    """Read every object, decrypt every content, compare all of it with leaves and database.

    Prints a report as JSON and repairs nothing. Exit status 1 if anything is damaged or missing.
    """
    with app.err.status("reading the whole object store"):
        contents = open_contents(app.settings, app.database)
        report = check(contents)
        for identifier in undone(app.database, contents.objects):
            report.note("erasure_undone", certificate=identifier)
    _tell(app, report)


@command.command("show")
@click.argument("certificate_id", metavar="ID", type=click.UUID)
@pass_application
def show(app: Application, certificate_id: object) -> None:
    """Print the token of the certificate ID as the store has it, with every disclosure."""
    content = open_contents(app.settings, app.database).read(str(certificate_id))
    click.echo(content.compact)


@command.command("keep")
@pass_application
def keep(app: Application) -> None:
    """Keep what should be in the store and is not.

    Contents of batches from releases which kept trees alone, and notes of erasures that were made
    while the store was away.
    """
    contents = open_contents(app.settings, app.database)
    with app.err.status("keeping contents"):
        batches = contents.keep_all()
        erasures = note_erasures(app.database, contents.objects)
    app.out.print(f"contents of {batches} batches were kept, {erasures} erasures were noted")


@command.command("rewrap")
@pass_application
def rewrap_keys(app: Application) -> None:
    """Wrap every data key under the present object key; afterwards earlier ones can be destroyed.

    Interrupt it at any time and run it again.
    """
    ring = open_key_ring(app.settings)
    total = 0
    with app.err.status("wrapping data keys"):
        while done := rewrap(app.database, ring, limit=_PORTION):
            total += done
    app.out.print(f"{total} data keys were wrapped anew under {ring.current_id.hex()}")


@command.command("keys")
@click.argument("out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@pass_application
def list_keys(app: Application, out: Path) -> None:
    """Write the wrapped data keys to FILE, for `objects restore`.

    Whoever has this list, the object key and the store can read every certificate in it, erased or
    not: keep it apart from both, and for no longer than an erasure may take to be complete.
    """
    lines = [
        json.dumps({"certificate": owner, "key": kept.key_id.hex(), "wrapped": b64u(kept.wrapped)})
        for owner, kept in read_keys(app.database)
    ]
    write_atomically(out, "".join(f"{line}\n" for line in lines).encode("ascii"))
    app.out.print(f"{len(lines)} wrapped data keys were written")


@command.command("restore")
@click.option(
    "--keys",
    "key_list",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="List that `objects keys` wrote.",
)
@click.option(
    "--into",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for what is recovered.",
)
@pass_application
def restore(app: Application, key_list: Path, into: Path) -> None:
    """Give back every certificate from the store, without the database.

    For each one ID.sdjwt, ID.receipt.json with its proof, and ID.document.json are written. They
    verify against the chain as before. Exit status 1 if anything was damaged or missing.
    """
    keys = dict(_read_list(key_list))
    report = ContentReport()
    objects, ring = open_object_store(app.settings), open_key_ring(app.settings)
    with app.err.status("recovering certificates"):
        for each in recover(objects, ring, keys, report):
            _write(each, into)
    _tell(app, report)


def _read_list(path: Path) -> list[tuple[str, WrappedKey]]:
    keys = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            match parse_json_object(line, what="key list"):
                case {"certificate": str(owner), "key": str(key_id), "wrapped": str(wrapped)}:
                    kept = WrappedKey(bytes.fromhex(key_id), unb64u(wrapped, what="wrapped key"))
                    keys.append((owner, kept))
                case _:
                    raise ValueError("no wrapped key")  # noqa: TRY301  (one way to complain)
        except (ValueError, VerifierError) as error:
            raise KeyListError(f"line {number} of {path.name}: {error}") from error
    return keys


def _write(found: Recovered, into: Path) -> None:
    content = found.content
    way = found.tree.way(found.position)
    proof = InclusionProof(
        index=found.position, size=found.tree.size, path=(*way.below, *way.above)
    )
    receipt = Receipt(
        token=content.compact,
        proofs=(LeafProof(leaf=content.leaf, inclusion=proof, anchor=None),),
    )
    files = {
        "sdjwt": content.compact.encode("ascii"),
        "receipt.json": build_receipt(receipt),
        "document.json": content.rebuilt_document().encode(),
    }
    for ending, data in files.items():
        write_atomically(into / f"{content.certificate_id}.{ending}", data)


def _tell(app: Application, report: ContentReport) -> None:
    click.echo(json.dumps(report.to_json(), indent=2, sort_keys=True))
    if report.findings:
        app.err.print(f"{len(report.findings)} findings", style="bold red")
        raise click.exceptions.Exit(1)
