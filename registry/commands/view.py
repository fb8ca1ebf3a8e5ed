"""`lancang view`: what a holder receives, whole or for a destination."""

from __future__ import annotations

from pathlib import Path

import click

from registry.access.service import actor_named
from registry.anchoring.trees import TreeShelf
from registry.bodies.service import get_body
from registry.certificates.delivery import deliver, note_delivery
from registry.certificates.releasing import Release, Releaser
from registry.certificates.rendering.files import files_of
from registry.certificates.rendering.letterhead import load_letterhead
from registry.certificates.rendering.paper import font_directories
from registry.console import Application, pass_application, plain
from registry.kit.clock import system_clock
from registry.object_store import open_object_store
from registry.signing.connect import open_signer


@click.command("view")
@click.argument("certificate_id", metavar="ID", type=click.UUID)
@click.option("--to", "destination", metavar="PARTY", help="Destination, e.g. LA.")
@click.option(
    "--withhold",
    metavar="PATH",
    multiple=True,
    help="Field that the view hides, e.g. customer, consignment.consignor, results.3. Repeatable.",
)
@click.option("--ground", metavar="CODE", multiple=True, help="Rule that demands it. Repeatable.")
@click.option("--by", "name", default="operator", show_default=True, help="Who asks for it.")
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder for the files.",
)
@pass_application
def command(
    app: Application,
    *,
    certificate_id: object,
    destination: str | None,
    withhold: tuple[str, ...],
    ground: tuple[str, ...],
    name: str,
    folder: Path,
) -> None:
    """Write the files that the holder of the certificate ID receives.

    Token and receipt at once; codes (text, PNG, SVG) and the PDF once its batch is sealed.

    With --withhold the fields are dropped for the destination named by --to, and a signed release
    statement says so; it is anchored like everything signed. Without, the certificate is whole.
    """
    if bool(withhold) != bool(ground) or (withhold and destination is None):
        raise click.UsageError("--withhold goes with --ground and --to")
    with app.database.read() as session:
        actor = actor_named(session, name)
    release_leaf = None
    if withhold and destination is not None:
        release = Release(
            certificate_id=str(certificate_id),
            destination=destination,
            withhold=withhold,
            grounds=ground,
        )
        with open_signer(app.settings) as signer:
            releaser = Releaser(database=app.database, signer=signer)
            release_leaf = releaser.release(release, actor=actor)
    with app.database.read() as session:
        delivery = deliver(
            session,
            str(certificate_id),
            trees=TreeShelf(open_object_store(app.settings)),
            verifier_host=app.settings.verifier_host,
            release_leaf=release_leaf,
        )
        body = get_body(session, delivery.certificate.parsed.credential.body).body
    with app.database.begin() as session:
        note_delivery(session, delivery, actor=actor, at=system_clock())
    files = files_of(
        delivery,
        body,
        fonts=font_directories(app.settings.fonts),
        letterhead=load_letterhead(app.settings.home, body.alias),
    )
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
        app.out.print(plain(str(folder / file)))
    if not delivery.sealed:
        app.err.print("not all of it is anchored yet: run lancang anchor --wait, then this again")
