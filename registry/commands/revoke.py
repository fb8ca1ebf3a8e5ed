"""`lancang revoke`: order the revocation of certificates."""

from __future__ import annotations

import click

from registry.console import Application, pass_application, plain
from registry.kit.actor import Actor
from registry.kit.clock import system_clock
from registry.safeguards.domain import ALONE
from registry.safeguards.revocations import (
    approve_revocations,
    request_revocations,
    revoke,
)
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
@pass_application
def command(
    app: Application,
    *,
    certificate_ids: tuple[object, ...],
    reason: str | None,
    remark: str,
    name: str,
    request_id: object | None,
) -> None:
    """Revoke the certificates ID. A revocation is never taken back.

    Orders are recorded at once and carried out on chain by the next `lancang anchor`. More than
    ten of one body within a day need a second person: the command then stores a request, which
    another one approves with --approve REQUEST --by NAME.
    """
    actor = Actor(name)
    if (request_id is None) == (not certificate_ids) or (request_id is None) != bool(reason):
        raise click.UsageError("give ID... with --reason CODE, or --approve REQUEST")
    if request_id is not None:
        with app.database.begin() as session:
            count = approve_revocations(session, str(request_id), approver=actor, at=system_clock())
        app.out.print(f"{count} revocations are ordered")
        app.out.print("next: lancang anchor --wait")
        return
    code = RevocationReason[str(reason).upper()]
    identifiers = [str(each) for each in certificate_ids]
    if len(identifiers) > ALONE:
        with app.database.begin() as session:
            request = request_revocations(
                session, identifiers, reason=code, remark=remark, actor=actor, at=system_clock()
            )
        app.out.print(f"{len(identifiers)} revocations wait for a second person")
        app.out.print(plain(f"next: lancang revoke --approve {request} --by NAME"))
        return
    with app.database.begin() as session:
        revoke(session, identifiers, reason=code, actor=actor, at=system_clock())
    for identifier in identifiers:
        app.out.print(f"revocation of {identifier} is ordered ({reason})")
    app.out.print("next: lancang anchor --wait")
