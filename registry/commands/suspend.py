"""`lancang suspend`: order the suspension of a certificate."""

from __future__ import annotations

import click

from registry.certificates.domain import StatusAct
from registry.console import Application, pass_application
from registry.kit.actor import Actor
from registry.kit.clock import system_clock
from registry.safeguards.orders import order_few
from verifier.checks.facts import RevocationReason

_REASONS = [reason.name.lower() for reason in RevocationReason]


def order_command(name: str, act: StatusAct, *, purpose: str, ordered: str) -> click.Command:
    """Return the command that orders a change of status which can be taken back.

    Args:
        name: Name of the command.
        act: What it orders.
        purpose: First sentence of its help.
        ordered: What is ordered, for the line printed at the end.
    """

    @click.command(
        name,
        help=f"{purpose}\n\nThe order is recorded at once and carried out on chain by the next "
        "`lancang anchor`.",
    )
    @click.argument("certificate_id", metavar="ID", type=click.UUID)
    @click.option(
        "--reason",
        metavar="CODE",
        type=click.Choice(_REASONS),
        default="unspecified",
        show_default=True,
        help=f"Why: {', '.join(_REASONS)}.",
    )
    @click.option("--by", "who", default="operator", show_default=True, help="Who orders it.")
    @pass_application
    def command(app: Application, certificate_id: object, reason: str, who: str) -> None:
        with app.database.begin() as session:
            order_few(
                session,
                [str(certificate_id)],
                act,
                reason=RevocationReason[reason.upper()],
                actor=Actor(who),
                at=system_clock(),
            )
        app.out.print(f"{ordered} of {certificate_id} is ordered")
        app.out.print("next: lancang anchor --wait")

    return command


command = order_command(
    "suspend",
    StatusAct.SUSPEND,
    purpose="Suspend the certificate ID until it is resumed or revoked.",
    ordered="suspension",
)
