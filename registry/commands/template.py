"""`lancang template`: an empty table for certificates or inspection records."""

from __future__ import annotations

from pathlib import Path

import click

from registry.certificates.tables.writing import template
from registry.console import Application, pass_application, plain
from verifier.core.field_policy import DocumentKind

_FORMATS = ("xlsx", "csv")


@click.command("template")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in DocumentKind]),
    default=DocumentKind.TEST_CERTIFICATE.value,
    show_default=True,
    help="Kind of the documents.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(_FORMATS),
    help="Format of the table; by default what the name of FILE says.",
)
@click.option(
    "--lang",
    "language",
    type=click.Choice(["zh", "en"]),
    help="Language of the headers; by default they are the field names themselves.",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@pass_application
def command(
    app: Application, file: Path, kind: str, file_format: str | None, language: str | None
) -> None:
    """Write an empty table with every column to FILE, for `lancang issue`.

    One row is one result; the columns of the certificate are filled in its first row only. Columns
    that are not needed can be deleted, shaded ones cannot.
    """
    chosen = file_format or file.suffix.lower().removeprefix(".")
    if chosen not in _FORMATS:
        raise click.UsageError("say --format xlsx or --format csv")
    file.write_bytes(template(DocumentKind(kind), file_format=chosen, language=language))
    app.out.print(plain(f"{file} written"))
    app.out.print("next: fill it in, then lancang issue FILE --maker NAME --approver NAME")
