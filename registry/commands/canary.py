"""`lancang canary`: does a certificate still get through, and how long does it take?"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from registry.access.service import actor_named
from registry.anchoring.trees import TreeShelf
from registry.canary import Canary, Flight, prometheus_text
from registry.commands.issue import open_issuer
from registry.console import Application, pass_application, plain
from registry.kit.clock import system_clock
from registry.kit.errors import UnusableSettingsError
from registry.kit.files import write_atomically
from registry.object_store import open_object_store
from registry.trusted_chain import reachable
from verifier.chain.profile import Profile, load_profile
from verifier.chain.source import RpcTrustSource
from verifier.openssl_sm2 import open_sm2


@click.command("canary")
@click.argument("body")
@click.option("--maker", required=True, metavar="NAME", help="Who hands it in.")
@click.option("--approver", required=True, metavar="NAME", help="The second person.")
@click.option(
    "--patience",
    type=click.IntRange(1),
    default=3600,
    show_default=True,
    help="Seconds within which it must be final.",
)
@click.option(
    "--metrics",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the monitoring (text format of Prometheus), replaced as a whole.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_application
def command(
    app: Application,
    body: str,
    maker: str,
    approver: str,
    *,
    patience: int,
    metrics: Path | None,
    as_json: bool,
) -> None:
    """Issue a marked certificate of BODY, wait until it is final, and verify it.

    Run it from a timer while `lancang serve` or anchoring workers are at work: it uses them and
    does nothing in their place. The certificate stays; it says that it is about no goods. Exit
    status 1 when it is late, cannot be issued or its verdict is wrong.
    """
    flight: Flight | None = None
    try:
        flight = _fly(app, body, maker, approver, patience)
    finally:
        if metrics is not None:
            text = prometheus_text(flight, at=system_clock())
            write_atomically(metrics, text.encode())
            metrics.chmod(0o644)  # the monitoring is somebody else, and there is no secret in it
    if as_json:
        click.echo(json.dumps(_record(flight), sort_keys=True))
    else:
        words = f"{flight.number}: signed after {flight.signed_seconds:.1f} s, final "
        words += f"{flight.final_seconds:.1f} s later in block {flight.block}: {flight.overall}"
        app.out.print(plain(words), style="bold green" if flight.is_genuine else "bold red")
    if not flight.is_genuine:
        raise click.exceptions.Exit(1)


def _fly(app: Application, body: str, maker: str, approver: str, patience: int) -> Flight:
    profile = _profile(app)
    with app.database.read() as session:
        people = actor_named(session, maker), actor_named(session, approver)
    canary = Canary(
        database=app.database,
        trees=TreeShelf(open_object_store(app.settings)),
        open_issuer=partial(open_issuer, app),
        profile=profile,
        open_source=lambda: RpcTrustSource(profile, now=int(system_clock().timestamp())),
        sm2=open_sm2(),
    )
    return canary.fly(body, maker=people[0], approver=people[1], patience=patience)


def _profile(app: Application) -> Profile:
    path = app.settings.trust_profile
    if not path.is_file():
        raise UnusableSettingsError(f"there is no trust profile at {path}: run lancang init")
    return reachable(app.settings, load_profile(path))


def _record(flight: Flight) -> dict[str, object]:
    return {
        "number": flight.number,
        "signed_seconds": round(flight.signed_seconds, 3),
        "final_seconds": round(flight.final_seconds, 3),
        "block": flight.block,
        "overall": flight.overall.value,
        "line": None if flight.line is None else list(flight.line),
    }
