"""`lancang quarantine`: look at ledger writes that contradict the record, and decide about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import click

from registry.anchoring import overview
from registry.anchoring.domain import Decision, QuarantineReason, WriteKind, WriteState
from registry.console import Application, pass_application, plain
from registry.kit.actor import Actor
from registry.kit.clock import system_clock

if TYPE_CHECKING:
    from registry.anchoring.decisions import Examination

_WHY: Final[Mapping[QuarantineReason, str]] = {
    QuarantineReason.ROOT_MISMATCH: "rows read back give another root than the sealed one",
    QuarantineReason.OBJECT_MISMATCH: "the stored tree is missing, damaged or another one",
    QuarantineReason.REVERTED: "the contract refused the transaction, finally",
    QuarantineReason.NONCE_TAKEN: "another transaction of the account used its nonce, finally",
    QuarantineReason.LEDGER_DISAGREES: "mined with success, yet the contract does not show it",
    QuarantineReason.EFFECT_VANISHED: "the chain no longer shows what was final",
    QuarantineReason.LEDGER_CLOSED: "verifiers no longer count what that contract takes",
}
_WHAT: Final[Mapping[Decision, str]] = {
    Decision.RESEND: "send the same bytes again",
    Decision.ADOPT: "take the effect that stands on chain as ours",
    Decision.NEW_NONCE: "look again, and sign anew if it is still needed",
    Decision.ABANDON: "give the batch up; its leaves go back to the queue",
}


@click.group("quarantine")
def command() -> None:
    """Look at what is in quarantine, and decide about it."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@pass_application
def list_writes(app: Application, *, as_json: bool) -> None:
    """List what waits for a person. Exit status 1 if something does."""
    with app.database.read() as session:
        page = overview.batch_page(session, state=WriteState.QUARANTINED, limit=200)
    for item in page.items:
        if as_json:
            click.echo(item.model_dump_json())
        else:
            reason = QuarantineReason(item.quarantine or "")
            moment = item.changed_at.isoformat(timespec="seconds")
            name = "batch" if item.kind is WriteKind.ANCHOR else "status change"
            size = "" if item.size is None else f", {item.size} leaves"
            words = f"{item.id}  {name}{size}  since {moment}  {reason}: {_WHY[reason]}"
            app.out.print(plain(words))
    if not page.items:
        app.err.print("nothing is in quarantine", style="bold green")
        return
    raise click.exceptions.Exit(1)


@command.command("show")
@click.argument("identifier", metavar="ID", type=click.IntRange(1))
@pass_application
def show(app: Application, *, identifier: int) -> None:
    """Print everything about a ledger write as JSON; in quarantine with what may be decided."""
    with app.database.read() as session:
        detail = overview.batch_detail(session, identifier)
    content = detail.model_dump(mode="json")
    if detail.state is WriteState.QUARANTINED:
        # Imported here: looking at the list need not load web3.
        from registry.anchoring.connect import open_chain  # noqa: PLC0415
        from registry.anchoring.decisions import examine  # noqa: PLC0415

        content["examination"] = _examined(
            examine(app.database, open_chain(app.settings), identifier)
        )
    click.echo(json.dumps(content, indent=2, sort_keys=True))


@command.command("decide")
@click.argument("identifier", metavar="ID", type=click.IntRange(1))
@click.argument("decision", type=click.Choice([each.value for each in Decision]))
@click.option("--by", "name", required=True, help="Who decides.")
@click.option("--reason", "words", required=True, help="Why; kept in the audit trail for ever.")
@pass_application
def decide_write(
    app: Application, *, identifier: int, decision: str, name: str, words: str
) -> None:
    """Decide about a ledger write in quarantine.

    `resend` sends the same bytes again. `adopt` takes the effect that stands on chain as ours.
    `new-nonce` looks again and signs anew. `abandon` gives a batch up and puts its leaves back into
    the queue. The chain is asked first, and a decision that could leave two transactions possible
    is refused; `lancang anchor` or `lancang serve` then carries on.
    """
    from registry.anchoring.connect import open_chain  # noqa: PLC0415
    from registry.anchoring.decisions import decide  # noqa: PLC0415

    wanted = Decision(decision)
    decide(
        app.database,
        open_chain(app.settings),
        identifier,
        wanted,
        actor=Actor(name),
        words=words,
        now=system_clock(),
    )
    app.out.print(f"ledger write {identifier}: {_WHAT[wanted]}", style="bold green")


@command.command("add")
@click.argument("identifier", metavar="ID", type=click.IntRange(1))
@click.option("--by", "name", required=True, help="Who does it.")
@click.option("--reason", "words", required=True, help="Why; kept in the audit trail for ever.")
@pass_application
def add(app: Application, *, identifier: int, name: str, words: str) -> None:
    """Set a published ledger write aside whose effect the chain no longer shows.

    `lancang reconcile` names such writes as `effect_missing`. Refused while the chain shows it.
    """
    from registry.anchoring.connect import open_chain  # noqa: PLC0415
    from registry.anchoring.decisions import set_aside  # noqa: PLC0415

    set_aside(
        app.database,
        open_chain(app.settings),
        identifier,
        actor=Actor(name),
        words=words,
        now=system_clock(),
    )
    app.out.print(f"ledger write {identifier} is in quarantine", style="bold yellow")


def _examined(found: Examination) -> dict[str, object]:
    evidence = found.evidence
    return {
        "reason": found.reason.value,
        "meaning": _WHY[found.reason],
        "nonces": list(found.nonces),
        "can_still_be_mined": evidence.can_be_mined,
        "stands_in_block": None if found.place is None else found.place.block,
        "allowed": {each.value: _WHAT[each] for each in found.allowed},
    }
