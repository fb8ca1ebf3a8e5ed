"""A whole pile of documents at once: checked together, stored together, then signed in portions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from registry.certificates import service
from registry.certificates.domain import State
from registry.certificates.errors import MakerIsApproverError
from registry.certificates.intake import Intake, Progress, Stage
from registry.certificates.issuing import PORTION, Issuer
from registry.certificates.storing import Issued
from registry.kit.actor import Actor
from registry.kit.chunks import chunks
from registry.kit.clock import Clock, system_clock
from registry.kit.collecting import rare_collections
from registry.kit.database import Database

_APPROVED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOutcome:
    """What became of a pile.

    Attributes:
        issued: Certificates signed by this run, in the order of the documents.
        unchanged: How many had been signed before with exactly this content.
    """

    issued: tuple[Issued, ...]
    unchanged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkIssue:
    """Issues the documents of files.

    Attributes:
        database: Where they are stored.
        open_issuer: Opens what signs; called once everything is approved.
        maker: Who hands the documents in.
        approver: The second person.
        clock: Time of storing and approving.
        progress: Told about the advance.
    """

    database: Database
    open_issuer: Callable[[], AbstractContextManager[Issuer]]
    maker: Actor
    approver: Actor
    clock: Clock = field(default=system_clock)
    progress: Progress = field(default=lambda _stage, _done, _total: None)

    def run(self, files: Sequence[tuple[str, bytes]]) -> BulkOutcome:
        """Check everything, store everything, then approve and sign in portions.

        Repeating an interrupted run goes on where it ended: what is stored with the same content
        is not stored again, what is signed is not signed again.

        Args:
            files: Names and contents of JSON, CSV and XLSX files.

        Raises:
            MakerIsApproverError: Both roles are the same person; nothing was stored.
            ImportRefusedError: Something is wrong with the files; nothing was stored.
            RegistryError: Signing stopped, see `Issuer.issue`; portions signed before are kept.
        """
        if self.maker.is_same_person(self.approver):
            raise MakerIsApproverError("maker and approver must be two people")
        with rare_collections():
            return self._run(files)

    def _run(self, files: Sequence[tuple[str, bytes]]) -> BulkOutcome:
        intake = Intake(
            database=self.database, maker=self.maker, clock=self.clock, progress=self.progress
        )
        identifiers = intake.store(intake.check(files)).ids
        drafts = self._in_state(identifiers, State.DRAFT)
        self._approve(drafts)
        approved = self._in_state(identifiers, State.APPROVED)
        issued = self._sign(approved)
        return BulkOutcome(issued=tuple(issued), unchanged=len(identifiers) - len(issued))

    def _in_state(self, identifiers: Sequence[str], state: State) -> list[str]:
        with self.database.read() as session:
            return service.in_state(session, identifiers, state)

    def _approve(self, drafts: Sequence[str]) -> None:
        done = 0
        for part in chunks(drafts, _APPROVED_AT_ONCE):
            with self.database.begin() as session:
                service.approve(session, part, approver=self.approver, at=self.clock())
            done += len(part)
            self.progress(Stage.APPROVE, done, len(drafts))

    def _sign(self, approved: Sequence[str]) -> list[Issued]:
        issued: list[Issued] = []
        if approved:
            with self.open_issuer() as issuer:
                for part in chunks(approved, PORTION):
                    issued += issuer.issue(part)
                    self.progress(Stage.SIGN, len(issued), len(approved))
        return issued
