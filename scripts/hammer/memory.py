"""What the registry acknowledged, and what it must say about that from then on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from verifier.checks.finding import Line, Status
from verifier.checks.verdict import Overall
from verifier.report import Report

GENUINE: Final = frozenset({Overall.VALID, Overall.VALID_WITH_NOTES})


class WrongAnswerError(Exception):
    """The registry or a verdict contradicts what was acknowledged.

    Attributes:
        code: `lost`, `late`, `moved`, `false_invalid`, `false_valid`, `revived` or `server_fault`.
        evidence: What a person needs to look into it.
    """

    def __init__(self, code: str, message: str, **evidence: object) -> None:
        super().__init__(message)
        self.code = code
        self.evidence = evidence


Place = tuple[int, str, str, int]  # chain, contract, root, position in the batch


@dataclass(slots=True)
class Promise:
    """One acknowledged certificate.

    Attributes:
        identifier: Id in the registry.
        leaf: Leaf of its token, base64url.
        signed_at: When its signature was acknowledged, by the monotonic clock, seconds.
        place: Where its receipt said that it is anchored; never changes once it was said.
        final_after: Seconds from acknowledgement to the first verdict that rests on a final block.
        revoked_at: When its revocation was asked for, by the monotonic clock, seconds.
        seen_revoked: Whether a verdict said so; from then on every verdict does.
    """

    identifier: str
    leaf: str
    signed_at: float
    place: Place | None = None
    final_after: float | None = None
    revoked_at: float | None = None
    seen_revoked: bool = False


@dataclass(slots=True)
class Memory:
    """Every promise of a run; may be used by many threads.

    Args:
        patience: Seconds after which an acknowledged certificate must rest on a final block.
        clock: Monotonic seconds.
    """

    patience: float
    clock: Callable[[], float] = time.monotonic
    promises: dict[str, Promise] = field(default_factory=dict)
    verdicts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, identifier: str, leaf: str) -> Promise:
        """Note that a signature was acknowledged."""
        with self._lock:
            promise = Promise(identifier, leaf, self.clock())
            self.promises[leaf] = promise
            return promise

    def all(self) -> list[Promise]:
        """Return every promise, the oldest first."""
        with self._lock:
            return list(self.promises.values())

    @property
    def kept(self) -> int:
        """Return how many promises rest on a final block."""
        return sum(promise.final_after is not None for promise in self.all())

    @property
    def revoked(self) -> int:
        """Return how many are known to be revoked on chain."""
        return sum(promise.seen_revoked for promise in self.all())

    def note_missing(self, promise: Promise) -> None:
        """Take in that the registry knows no receipt of an acknowledged leaf.

        Raises:
            WrongAnswerError: Always (`lost`).
        """
        raise WrongAnswerError(
            "lost", "an acknowledged certificate has no receipt", id=promise.identifier
        )

    def note_pending(self, promise: Promise) -> None:
        """Take in that a receipt shows no anchor yet, or one above the common block.

        Raises:
            WrongAnswerError: It showed one before (`moved`), or it is overdue (`late`).
        """
        if promise.final_after is not None:
            raise WrongAnswerError(
                "moved", "an anchor that was final is not shown any more", id=promise.identifier
            )
        waited = self.clock() - promise.signed_at
        if waited > self.patience:
            raise WrongAnswerError(
                "late",
                f"an acknowledged certificate is not final after {waited:.0f} s",
                id=promise.identifier,
            )

    def note_verdict(self, promise: Promise, place: Place, report: Report) -> None:
        """Take in a verdict that rests on the common final block.

        Args:
            promise: The certificate.
            place: Where its receipt says that it is anchored.
            report: The verdict.

        Raises:
            WrongAnswerError: It contradicts what was acknowledged or said before.
        """
        evidence = {
            "id": promise.identifier,
            "leaf": promise.leaf,
            "report": report.canonical().decode(),
        }
        if promise.place not in (None, place):
            message = "a certificate is anchored in two places"
            raise WrongAnswerError("moved", message, before=promise.place, now=place, **evidence)
        revoked = any(
            finding.line is Line.NOT_REVOKED and finding.status is Status.FAIL
            for finding in report.findings
        )
        if not revoked and report.overall not in GENUINE:
            message = f"a genuine certificate is {report.overall}"
            raise WrongAnswerError("false_invalid", message, **evidence)
        if revoked and promise.revoked_at is None:
            raise WrongAnswerError("false_invalid", "revoked by nobody", **evidence)
        if promise.seen_revoked and not revoked:
            raise WrongAnswerError("revived", "a revocation has disappeared", **evidence)
        if not revoked and promise.revoked_at is not None:
            waited = self.clock() - promise.revoked_at
            if waited > self.patience:
                message = f"a revocation does not show after {waited:.0f} s"
                raise WrongAnswerError("false_valid", message, **evidence)
        with self._lock:
            self.verdicts += 1
            promise.place = place
            promise.seen_revoked = promise.seen_revoked or revoked
            if promise.final_after is None:
                promise.final_after = self.clock() - promise.signed_at
