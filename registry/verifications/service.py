"""Answering a verification request with this installation's trust profile."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from registry.anchoring.trees import TreeShelf
from registry.certificates.errors import ReceiptNotFoundError
from registry.certificates.receipts import public_receipt
from registry.kit.database import Database
from registry.kit.objects import ObjectStoreUnavailableError
from registry.verifications.schemas import VerificationRequest
from verifier.chain.profile import Profile
from verifier.checks.facts import TrustSource
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.receipt import build_receipt
from verifier.openssl_sm2 import open_sm2
from verifier.report import Report
from verifier.service import ReceiptSource, verify


class OpenSource(Protocol):
    """Opens what answers one verification."""

    def __call__(
        self, profile: Profile, *, now: int, history: bool
    ) -> AbstractContextManager[TrustSource]:
        """Return a source under a profile.

        Args:
            profile: The trust profile.
            now: Time of the check, Unix seconds.
            history: Whether a past moment is asked about.

        Raises:
            EvidenceUnavailableError: There is nothing to ask.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredReceipts:
    """The receipts of this registry."""

    database: Database
    trees: TreeShelf

    def fetch_receipt(self, leaf: bytes) -> bytes | None:
        """Return the public receipt of a leaf, None when nothing issued here has it.

        Raises:
            EvidenceUnavailableError: It needs the object store, which cannot be read now.
        """
        try:
            with self.database.read() as session:
                return build_receipt(public_receipt(session, leaf, trees=self.trees))
        except ReceiptNotFoundError:
            return None
        except ObjectStoreUnavailableError as error:
            raise EvidenceUnavailableError("registry_unreachable", str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifications:
    """Verifies what is handed over.

    Attributes:
        profile: The trust profile of the installation, None where none is installed; then nothing
            can be confirmed.
        open_source: Opens the chain for one verification.
        receipts: The receipts of this registry, see `StoredReceipts`.
    """

    profile: Profile | None
    open_source: OpenSource
    receipts: ReceiptSource

    def answer(self, request: VerificationRequest) -> Report:
        """Return the report; there is one for every request."""
        with self._open(request) as source:
            return verify(
                request.submission,
                request.question,
                profile=self.profile,
                source=source,
                registry=self.receipts,
                sm2=open_sm2(),
            )

    def _open(self, request: VerificationRequest) -> AbstractContextManager[TrustSource | None]:
        if self.profile is None:
            return nullcontext()
        question = request.question
        try:
            return self.open_source(
                self.profile, now=question.checked_at, history=question.at is not None
            )
        except EvidenceUnavailableError:
            return nullcontext()  # a dead chain is a verdict, not an error
