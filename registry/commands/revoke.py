"""`lancang revoke`: order the revocation of a certificate."""

from __future__ import annotations

import click

from registry.access.service import actor_named
from registry.certificates.domain import StatusAct
from registry.certificates.status_orders import order_status
from registry.console import Application, pass_application
from registry.kit.clock import system_clock
from verifier.checks.facts import RevocationReason


@click.command("revoke")
@click.argument("certificate_id", metavar="ID", type=click.UUID)
@click.option(
    "--reason",
    required=True,
    metavar="CODE",
    type=click.Choice([reason.name.lower() for reason in RevocationReason]),
    help="Why: " + ", ".join(reason.name.lower() for reason in RevocationReason) + ".",
)
@click.option("--by", "name", default="operator", show_default=True, help="Who orders it.")
@pass_application
def command(app: Application, certificate_id: object, reason: str, name: str) -> None:
    """Revoke the certificate ID. A revocation is never taken back.

    The order is recorded at once and carried out on chain by the next `lancang anchor`.
    """
    with app.database.begin() as session:
        order_status(
            session,
            str(certificate_id),
            StatusAct.REVOKE,
            reason=RevocationReason[reason.upper()],
            actor=actor_named(session, name),
            at=system_clock(),
        )
    app.out.print(f"revocation of {certificate_id} is ordered ({reason})")
    app.out.print("next: lancang anchor --wait")
