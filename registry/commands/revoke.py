"""`lancang revoke`: order the revocation of certificates."""

from __future__ import annotations

import click

from registry.certificates.domain import StatusAct
from registry.console import Application, pass_application, plain
from registry.kit.actor import Actor
from registry.kit.clock import system_clock
from registry.safeguards.domain import ALONE
from registry.safeguards.orders import approve_request, order_few, refuse_request, request_orders
from verifier.checks.facts import RevocationReason

_REASONS = [reason.name.lower() for reason in RevocationReason]


@click.command("revoke")
@click.argument("certificate_ids", metavar="ID...", nargs=-1, type=click.UUID)
@click.option(
    "--reason", metavar="CODE", type=click.Choice(_REASONS), help=f"Why: {', '.join(_REASONS)}."
)
@click.option("--remark", default="", help="Why, in words, for whoever approves.")
@click.option("--by", "name", default="operator", show_default=True, help="Who orders it.")
@click.option(
    "--approve", "request_id", metavar="REQUEST", type=click.UUID, help="Request to approve."
)
@click.option("--refuse", "refused_id", metavar="REQUEST", type=click.UUID, help="Or to refuse.")
@pass_application
def command(
    app: Application,
    *,
    certificate_ids: tuple[object, ...],
    reason: str | None,
    remark: str,
    name: str,
    request_id: object | None,
    refused_id: object | None,
) -> None:
    """Revoke the certificates ID. A revocation is never taken back.

    Orders are recorded at once and carried out on chain by the next `lancang anchor`. More than
    ten of one body within a day need a second person: the command then stores a request, which
    another one decides with --approve or --refuse REQUEST --by NAME.
    """
    actor = Actor(name)
    if refused_id is not None:
        _refuse(app, str(refused_id), remark=remark, actor=actor)
        return
    if (request_id is None) == (not certificate_ids) or (request_id is None) != bool(reason):
        raise click.UsageError("give ID... with --reason CODE, or --approve REQUEST")
    if request_id is not None:
        with app.database.begin() as session:
            count = approve_request(session, str(request_id), approver=actor, at=system_clock())
        app.out.print(f"{count} revocations are ordered")
        app.out.print("next: lancang anchor --wait")
        return
    code = RevocationReason[str(reason).upper()]
    identifiers = [str(each) for each in certificate_ids]
    if len(identifiers) > ALONE:
        with app.database.begin() as session:
            request = request_orders(
                session, identifiers, reason=code, remark=remark, actor=actor, at=system_clock()
            )
        app.out.print(f"{len(identifiers)} revocations wait for a second person")
        app.out.print(plain(f"next: lancang revoke --approve {request} --by NAME"))
        return
    with app.database.begin() as session:
        order_few(
            session, identifiers, StatusAct.REVOKE, reason=code, actor=actor, at=system_clock()
        )
    for identifier in identifiers:
        app.out.print(f"revocation of {identifier} is ordered ({reason})")
    app.out.print("next: lancang anchor --wait")


def _refuse(app: Application, request_id: str, *, remark: str, actor: Actor) -> None:
    with app.database.begin() as session:
        refuse_request(session, request_id, remark=remark, refuser=actor, at=system_clock())
    app.out.print(f"request {request_id} is refused")
