"""Writers: import, approve by a second person, sign, and now and then revoke."""

from __future__ import annotations

import copy
import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from scripts.hammer.api import Api, RefusedError, TryAgainError
from scripts.hammer.memory import Memory, Promise

_PAUSE: Final = 0.5  # seconds before something is asked again

Result = TypeVar("Result")


@dataclass(slots=True, kw_only=True)
class Writer:
    """Issues certificates until it is told to stop.

    Attributes:
        clerk: Connection of who makes drafts.
        approver: Connection of who approves, signs and revokes: another person.
        document: Import document that is repeated under ever new numbers.
        memory: Where acknowledged certificates are noted.
        portion: Documents of one import.
        revoked_share: Part of the certificates that is revoked later, 0 to 1.
        stop: Set when the run ends.
        wanted: Tells whether more certificates are wanted.
        dice: Source of the choices, so that a run can be repeated.
    """

    clerk: Api
    approver: Api
    document: dict[str, Any]
    memory: Memory
    portion: int
    revoked_share: float
    stop: threading.Event
    wanted: Callable[[], bool]
    dice: random.Random
    may_revoke: bool = True

    def run(self) -> None:
        """Write until nothing more is wanted or the run ends.

        Raises:
            WrongAnswerError: The registry answers with a fault of its own.
        """
        while not self.stop.is_set() and self.wanted():
            self._write_portion()

    def _write_portion(self) -> None:
        documents = [self._next_document() for _ in range(self.portion)]
        key = str(uuid.uuid4())
        identifiers = self._insist(lambda: self.clerk.import_documents(documents, key))
        for identifier in identifiers or ():
            self._insist(partial(self._approve, identifier))
            leaf = self._insist(partial(self.approver.sign, identifier))
            if leaf is None:
                return
            promise = self.memory.acknowledge(identifier, leaf)
            if self.may_revoke and self.dice.random() < self.revoked_share:
                self._revoke(promise)

    def _approve(self, identifier: str) -> None:
        """Approve; after a broken line it may have been approved already."""
        if self.approver.show(identifier)["state"] == "draft":
            self.approver.approve(identifier)

    def _revoke(self, promise: Promise) -> None:
        promise.revoked_at = self.memory.clock()  # before: a reader may be faster than the answer
        try:
            self._insist(partial(self.approver.revoke, promise.identifier))
        except RefusedError as refused:
            if refused.code == "already_revoked":
                return  # a repetition after a broken line
            if refused.code != "second_approver_needed":
                raise
            promise.revoked_at = None
            self.may_revoke = False  # so many within a day need two people; that is as it must be

    def _insist(self, act: Callable[[], Result]) -> Result | None:
        """Repeat an act until the registry answers; None when the run ended before."""
        while not self.stop.is_set():
            try:
                return act()
            except TryAgainError:
                self.stop.wait(_PAUSE)
        return None

    def _next_document(self) -> dict[str, Any]:
        document = copy.deepcopy(self.document)
        document["number"] = f"HAMMER-{uuid.uuid4().hex[:20].upper()}"
        return document
