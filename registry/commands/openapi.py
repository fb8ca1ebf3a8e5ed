"""`lancang openapi`: the description of the HTTP API."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from registry.settings import Settings


@click.command("openapi")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("docs/openapi.json"),
    show_default=True,
    help="File to write.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail if the file is out of date.")
def command(out: Path, *, check: bool) -> None:
    """Write the OpenAPI 3.1 description of the HTTP API."""
    wanted = describe()
    if not check:
        out.write_bytes(wanted)
        click.echo(f"{out} written")
    elif not out.is_file() or out.read_bytes() != wanted:
        raise click.ClickException(f"{out} is out of date: run lancang openapi")
    else:
        click.echo(f"{out} is current")


def describe() -> bytes:
    """Return the description; it depends on the program alone."""
    # Imported here: the other commands need not load the web framework.
    from registry.app import create_app  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="lancang-openapi-") as folder:
        app = create_app(Settings(home=Path(folder)))
        app.state.database.dispose()
        description = app.openapi()
    return json.dumps(description, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
