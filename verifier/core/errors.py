"""Errors of the verifier.

VerifierError
├── MalformedEvidenceError       the bytes break the evidence format
│   ├── LimitExceededError       well formed so far, but over a hard limit
│   ├── DisclosureError          disclosures and signed digests do not fit together
│   ├── InvalidDocumentError     a document to be issued has problems; lists every one
│   └── NotOursError             the bytes do not claim to be evidence of our format
├── EvidenceUnavailableError     a source (node, registry, file) gave no usable answer
└── UntrustedProfileError        a trust profile cannot be used
    └── UntrustedBundleError     a trust bundle cannot be used under the profile

A certificate that fails a check is not an error: it is a `verifier.checks.finding.Finding` with
status FAIL. An exception always means that no verdict could be reached.
"""

from __future__ import annotations

from typing import ClassVar


class VerifierError(Exception):
    """Base of every error raised on purpose by `verifier`.

    Attributes:
        code: Stable machine-readable name, part of the public API; never reused or renamed.
    """

    code: ClassVar[str] = "verifier_error"


class MalformedEvidenceError(VerifierError):
    """The bytes do not follow the evidence format.

    Attributes:
        what: Which part of the input was being read, e.g. "token header".
        reason: Stable name of what is wrong with it, e.g. "duplicate_key".
    """

    code = "malformed_evidence"

    def __init__(self, what: str, message: str, *, reason: str = "malformed") -> None:
        super().__init__(f"{what}: {message}")
        self.what = what
        self.reason = reason


class LimitExceededError(MalformedEvidenceError):
    """An input is larger than the format allows."""

    code = "limit_exceeded"

    def __init__(self, what: str, *, actual: int, limit: int) -> None:
        super().__init__(what, f"{actual} exceeds the limit of {limit}", reason="limit_exceeded")
        self.actual = actual
        self.limit = limit


class NotOursError(MalformedEvidenceError):
    """The input carries no evidence of our format; it says nothing about any certificate."""

    code = "not_ours"

    def __init__(self, what: str, message: str) -> None:
        super().__init__(what, message, reason="not_ours")


class EvidenceUnavailableError(VerifierError):
    """A source needed for the verdict gave no usable answer; retrying may help.

    Attributes:
        reason: Stable code of the finding that reports it, e.g. "chain_unreachable".
    """

    code = "evidence_unavailable"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class UntrustedProfileError(VerifierError):
    """A trust profile is malformed or breaks the rules for its kind."""

    code = "untrusted_profile"


class UntrustedBundleError(UntrustedProfileError):
    """A trust bundle is sound and cannot be used under the checker's profile.

    Attributes:
        reason: Stable name of the rule that it breaks, e.g. "too_few_signatures".
    """

    code = "untrusted_bundle"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
