"""`lancang anchor`: bring what is signed and ordered on chain, and follow it until it is final."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from registry.anchoring.domain import Event, QuarantineReason, Waiting, WriteKind
from registry.anchoring.publisher import Advance
from registry.anchoring.queue import queue_status
from registry.anchoring.records import Batch
from registry.anchoring.repository import quarantined
from registry.anchoring.trees import TreeShelf
from registry.anchoring.worker import Round
from registry.console import Application, pass_application, plain
from registry.kit.clock import system_clock
from registry.kit.objects import FolderObjectStore
from registry.status_writes import carry_orders

if TYPE_CHECKING:
    from rich.status import Status

    from registry.anchoring.crew import Equipment

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
    from registry.anchoring.connect import (  # noqa: PLC0415
        at_work,
        open_chain,
        open_keystore,
        uses_embedded_chain,
    )
    from registry.anchoring.crew import Equipment, crew, work  # noqa: PLC0415
    from registry.anchoring.setup import OPERATORS  # noqa: PLC0415

    settings = app.settings
    with at_work(settings):
        equipment = Equipment(
            database=app.database,
            chain=open_chain(settings),
            keystore=open_keystore(settings),
            trees=TreeShelf(FolderObjectStore(settings.objects)),
            lock_folder=settings.home / "locks",
            clock=system_clock,
            operators=OPERATORS,
        )
        _carry(app, equipment)
        with (
            app.err.status("looking at the queue") as status,
            crew(equipment, observer=_Reporter(app, status)) as workers,
        ):
            pause = _Pause(seconds=0.5 if uses_embedded_chain(settings) else 5.0, status=status)
            try:
                for rounds in work(workers, pause=pause, flush=True):
                    _show_waiting(status, rounds)
                    if not wait:
                        break
            except KeyboardInterrupt:
                app.err.print("interrupted; nothing is lost: run `lancang anchor` again to go on")
                raise click.exceptions.Exit(1) from None
    _summary(app, rounds)


def _carry(app: Application, equipment: Equipment) -> None:
    keystore = equipment.keystore
    accounts = {role: at for role, at in keystore.roles().items() if keystore.holds(role)}
    carried = carry_orders(
        equipment.database,
        accounts=accounts,
        chain_id=equipment.chain.chain_id,
        ledger=equipment.chain.ledger,
        now=system_clock(),
    )
    if carried.orders:
        app.err.print(f"{carried.orders} changes of status to carry out")
    for alias, count in carried.stranded.items():
        words = f"{count} changes of status of {alias} wait for a machine that holds its key"
        app.err.print(plain(words), style="yellow")


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


class _Pause:
    """Waits between two rounds, longer when the chain does not answer."""

    def __init__(self, *, seconds: float, status: Status) -> None:
        self._seconds = seconds
        self._status = status

    def __call__(self, rounds: Sequence[Round]) -> None:
        has_problem = any(done.problem is not None for done in rounds)
        time.sleep(self._seconds * (4 if has_problem else 1))


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
