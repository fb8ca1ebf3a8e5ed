"""`lancang anchor`: bring what is signed and ordered on chain, and follow it until it is final."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from registry.anchoring.domain import Event, QuarantineReason, Waiting, WriteKind
from registry.anchoring.publisher import Advance
from registry.anchoring.queue import queue_status
from registry.anchoring.records import Batch
from registry.anchoring.repository import quarantined
from registry.anchoring.worker import Round
from registry.console import Application, pass_application, plain
from registry.kit.clock import system_clock
from registry.status_writes import Carried

if TYPE_CHECKING:
    from rich.status import Status

_QUICK_PAUSE: Final = 0.5  # seconds between two looks at a chain with a block every second
_PAUSE: Final = 5.0
_STEPS: Final[Mapping[Event, str]] = {
    Event.STORE: "root recomputed from the database, tree stored",
    Event.SIGN: "transaction signed and written down",
    Event.SEND: "sent",
    Event.RESEND: "sent again, the same bytes",
    Event.REPLACE: "fees raised, signed with the same nonce",
    Event.MINE: "mined",
    Event.ADOPT: "found on chain already",
    Event.REORGANISE: "its block is gone, sending again",
    Event.FORGET: "its block is gone, signing for it",
    Event.FINALISE: "final",
    Event.PUBLISH: "published",
}
_WAITS: Final[Mapping[Waiting, str]] = {
    Waiting.PENDING: "waits to be mined",
    Waiting.BEHIND_OLDER: "waits behind an older transaction of the account",
    Waiting.NONCE_SPENT: "its nonce is used up, looking closer",
    Waiting.REVERTED_NOT_FINAL: "the contract refused, waiting until that is final",
    Waiting.LEDGER_DISAGREES: "the contract does not show it yet",
    Waiting.NOT_FINAL: "mined, waits to be final",
    Waiting.FEE_CAP_REACHED: "fees are above the cap, waiting",
    Waiting.NO_GAS_MONEY: "the account has too little money for the fee",
    Waiting.CALL_REFUSED: "the contract would refuse: operator not authorised, or paused",
    Waiting.SEND_REFUSED: "the node refuses the transaction",
    Waiting.DATED_AHEAD: "dated later than the chain is: check the clocks; waits for that time",
}


@click.command("anchor")
@click.option("--wait", is_flag=True, help="Stay until everything is final and published.")
@pass_application
def command(app: Application, *, wait: bool) -> None:
    """Anchor everything that is queued, and carry out orders to revoke, suspend and resume.

    Without --wait it seals, signs and sends, and leaves the rest to the next run or to `lancang
    serve`. Interrupt it at any time: nothing is lost and nothing is done twice.
    """
    # Imported here: the other commands need not load web3.
    from registry.anchoring.connect import at_work, uses_embedded_chain  # noqa: PLC0415
    from registry.anchoring.crew import equip  # noqa: PLC0415
    from registry.certificates.contents import open_contents  # noqa: PLC0415
    from registry.shift import Shift  # noqa: PLC0415

    with at_work(app.settings), app.err.status("asking the chain") as status:
        shift = Shift(
            equipment=equip(
                app.settings, app.database, contents=open_contents(app.settings, app.database)
            ),
            observer=_Reporter(app, status),
            report=partial(_show_waiting, status),
        )
        _tell_carried(app, shift.carry())
        seconds = _QUICK_PAUSE if uses_embedded_chain(app.settings) else _PAUSE
        with shift.begin() as workers:
            try:
                rounds = shift.pass_over(workers, flush=True)
                while wait and _is_unfinished(rounds):
                    time.sleep(seconds)
                    rounds = shift.pass_over(workers, flush=True)
            except KeyboardInterrupt:
                app.err.print("interrupted; nothing is lost: run `lancang anchor` again to go on")
                raise click.exceptions.Exit(1) from None
    _summary(app, rounds)


def _tell_carried(app: Application, carried: Carried) -> None:
    if carried.orders:
        app.err.print(f"{carried.orders} changes of status to carry out")
    for alias, count in carried.stranded.items():
        words = f"{count} changes of status of {alias} wait for a machine that holds its key"
        app.err.print(plain(words), style="yellow")


def _is_unfinished(rounds: Sequence[Round]) -> bool:
    return any(done.unfinished or done.problem for done in rounds)


class _Reporter:
    """Says what happens, a line for each step."""

    def __init__(self, app: Application, status: Status) -> None:
        self._app = app
        self._status = status

    def __call__(self, event: Batch | Advance) -> None:
        if isinstance(event, Batch):
            root = event.root.hex()[:16]
            self._app.err.print(f"batch {event.id}: {event.size} leaves sealed, root {root}…")
        elif isinstance(event.outcome, Event):
            self._app.err.print(f"{_name(event)}: {_STEPS[event.outcome]}")
        elif isinstance(event.outcome, QuarantineReason):
            words = f"{_name(event)}: in quarantine ({event.outcome}), a person must decide"
            self._app.err.print(words, style="bold red")


def _name(advance: Advance) -> str:
    is_batch = advance.write.kind is WriteKind.ANCHOR
    return f"{'batch' if is_batch else 'status change'} {advance.write.id}"


def _show_waiting(status: Status, rounds: Sequence[Round]) -> None:
    words = [
        f"{write_id} {_WAITS[outcome]}"
        for done in rounds
        for write_id, outcome in done.waiting.items()
        if isinstance(outcome, Waiting)
    ]
    words += [f"{done.problem.code}: {done.problem}" for done in rounds if done.problem]
    status.update(plain("; ".join(words) or "done"))


def _summary(app: Application, rounds: Sequence[Round]) -> None:
    """Say how it ended; exit status 1 if somebody has to do something."""
    with app.database.read() as session:
        queue = queue_status(session, now=system_clock())
        aside = quarantined(session)
    unfinished = sum(done.unfinished for done in rounds)
    problems = [done.problem for done in rounds if done.problem is not None]
    for problem in problems:
        app.err.print(plain(f"{problem.code}: {problem}"), style="red")
    for write in aside:
        words = f"ledger write {write.id} is in quarantine: {write.quarantine}"
        app.err.print(words, style="bold red")
    if unfinished == 0 and not problems:
        app.out.print("everything is anchored, final and published", style="bold green")
    else:
        app.out.print(
            f"{unfinished} ledger writes are under way, {queue.queued} leaves are queued; "
            "run `lancang anchor --wait` to follow them"
        )
    if problems or aside:
        raise click.exceptions.Exit(1)
