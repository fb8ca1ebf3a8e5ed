"""The loop of one signing account: close batches when they are due, move every write forward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from registry.anchoring.domain import Event, Judgement
from registry.anchoring.errors import ChainUnavailableError, StaleWriteError
from registry.anchoring.publisher import Advance, Publisher
from registry.anchoring.records import Batch
from registry.anchoring.repository import LedgerWrites
from registry.anchoring.sealing import Sealing, seal
from registry.kit.objects import ObjectStoreUnavailableError
from registry.signing.errors import SignerUnavailableError, SigningRefusedError

_MAX_STEPS = 32  # of one write in one round; more means that something goes in circles

Problem: TypeAlias = (
    ChainUnavailableError
    | ObjectStoreUnavailableError
    | SignerUnavailableError
    | SigningRefusedError  # such as beyond the account's budget of the day
)

Observer = Callable[[Batch | Advance], None]
"""Told of every batch that is sealed and every step that is made."""


def _ignore(event: Batch | Advance) -> None:
    del event


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of the loop left behind.

    Attributes:
        unfinished: Ledger writes of the account that are not published yet.
        waiting: Why each of those waits that could not be moved.
        problem: Why the round was cut short, None if it was not.
    """

    unfinished: int
    waiting: dict[int, Judgement]
    problem: Problem | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Works for one account, under its lease.

    Attributes:
        publisher: The sequencer of the account.
        sealing: When batches are closed; None for an account that changes status only.
        observer: Told of every batch and step.
    """

    publisher: Publisher
    sealing: Sealing | None
    observer: Observer = field(default=_ignore)

    def round(self, *, flush: bool = False) -> Round:
        """Seal what is due, then move every unfinished write as far as it goes.

        An outage of chain, store or signer ends the round and is reported, not raised: time will
        cure it.

        Args:
            flush: Close the queue into a batch even if it is small and young.

        Raises:
            LeaseLostError: Another process is the sequencer now; the loop must end.
        """
        waiting: dict[int, Judgement] = {}
        problem = None
        try:
            self._seal(flush=flush)
            for write_id in self._active():
                waiting |= self._exhaust(write_id)
        except (
            ChainUnavailableError,
            ObjectStoreUnavailableError,
            SignerUnavailableError,
            SigningRefusedError,
        ) as error:
            problem = error
        return Round(unfinished=len(self._active()), waiting=waiting, problem=problem)

    def _seal(self, *, flush: bool) -> None:
        publisher = self.publisher
        while self.sealing is not None:
            batch = seal(
                publisher.database,
                publisher.lease,
                self.sealing,
                now=publisher.clock(),
                flush=flush,
            )
            if batch is None:
                return
            self.observer(batch)

    def _active(self) -> list[int]:
        with self.publisher.database.read() as session:
            return LedgerWrites(session).active_of(self.publisher.lease.account)

    def _exhaust(self, write_id: int) -> dict[int, Judgement]:
        """Advance a write until it waits, is published or in quarantine."""
        for _ in range(_MAX_STEPS):
            try:
                advance = self.publisher.advance(write_id)
            except StaleWriteError:
                return {}  # somebody decided about it meanwhile; the next round looks again
            self.observer(advance)
            if not advance.moved:
                return {write_id: advance.outcome}
            if advance.outcome is Event.PUBLISH:
                return {}
        return {}
