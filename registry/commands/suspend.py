"""`lancang suspend`: order the suspension of a certificate."""

from __future__ import annotations

import click

from registry.certificates.domain import StatusAct
from registry.certificates.status_orders import order_status
from registry.console import Application, pass_application
from registry.kit.actor import Actor
from registry.kit.clock import system_clock
from verifier.checks.facts import RevocationReason

_REASONS = [reason.name.lower() for reason in RevocationReason]


@click.command("suspend")
@click.argument("certificate_id", metavar="ID", type=click.UUID)
@click.option(
    "--reason",
    metavar="CODE",
    type=click.Choice(_REASONS),
    default="unspecified",
    show_default=True,
    help=f"Why: {', '.join(_REASONS)}.",
)
@click.option("--by", "name", default="operator", show_default=True, help="Who orders it.")
@pass_application
def command(app: Application, certificate_id: object, reason: str, name: str) -> None:
    """Suspend the certificate ID until it is resumed or revoked.

    The order is recorded at once and carried out on chain by the next `lancang anchor`.
    """
    with app.database.begin() as session:
        order_status(
            session,
            str(certificate_id),
            StatusAct.SUSPEND,
            reason=RevocationReason[reason.upper()],
            actor=Actor(name),
            at=system_clock(),
        )
    app.out.print(f"suspension of {certificate_id} is ordered")
    app.out.print("next: lancang anchor --wait")
