"""Does the co-signature hold that a certificate says it has? Part of the line `signed`."""

from __future__ import annotations

from typing import Final

from verifier.checks.codes import answer
from verifier.checks.evidence import (
    CoSignatureFacts,
    TokenFacts,
    Trust,
    anchoring_as_of,
)
from verifier.checks.facts import Unavailable
from verifier.checks.finding import Finding, Line, Status
from verifier.checks.signed import check_signed, signature_holds

OK: Final = "co_signature_ok"
BAD: Final = "co_signature_bad"
MISSING: Final = "co_signature_missing"
NOT_CHECKED: Final = "co_signature_not_checked"

_STANDING: Final = frozenset({Status.PASS, Status.NOTE})


def check_co_signed(
    signed: Finding,
    co_signatures: tuple[CoSignatureFacts, ...] | Unavailable,
    *,
    trust: Trust | Unavailable,
    moment: int,
) -> Finding:
    """Complete the finding of `signed` for a certificate that says that it is co-signed.

    A signature that was tried and does not hold is a FAIL, wherever it came from: the body says in
    the certificate that it made one. One that is not in hand, or that this machine, this profile or
    this source cannot check, is only a NOTE: who signed the certificate is established without it.
    It never mends a certificate that is not signed itself.

    Args:
        signed: What was found about the certificate's own signature.
        co_signatures: Those in hand that name the certificate; one that holds is enough.
        trust: The checker's decisions.
        moment: The moment of the question, Unix seconds.
    """
    if signed.status not in _STANDING:
        return signed
    if isinstance(co_signatures, Unavailable):
        return _noted(signed, NOT_CHECKED, co_signatures.reason)
    found = [_check(each, trust, moment) for each in co_signatures]
    for status in (Status.PASS, Status.NOTE, Status.FAIL, Status.UNKNOWN):
        for finding in found:
            if finding.status is status:
                return _folded(signed, finding)
    return _noted(signed, MISSING, None)


def _check(co_signature: CoSignatureFacts, trust: Trust | Unavailable, moment: int) -> Finding:
    """Return what `signed` would say of the co-signature if it were a document of its own."""
    if not co_signature.same_payload:
        return answer(Line.SIGNED, "bad_signature")
    token, facts = co_signature.token, co_signature.facts
    return check_signed(
        token,
        TokenFacts(signer=facts.signer, anchoring=anchoring_as_of(facts.anchoring, moment)),
        trust=trust,
        holds=signature_holds(token, facts.signer),
        moment=moment,
    )


def _folded(signed: Finding, finding: Finding) -> Finding:
    if finding.status is Status.FAIL:
        return answer(
            Line.SIGNED, BAD, **signed.data, co_signature=BAD, co_signature_reason=finding.code
        )
    if finding.status is Status.UNKNOWN:
        return _noted(signed, NOT_CHECKED, finding.code)
    reason = None if finding.status is Status.PASS else finding.code
    return answer(
        Line.SIGNED, signed.code, **signed.data, co_signature=OK, co_signature_reason=reason
    )


def _noted(signed: Finding, code: str, reason: str | None) -> Finding:
    """Return the finding with one more note; what the certificate's own key says comes first."""
    notes = [*([signed.code] if signed.status is Status.NOTE else []), code]
    return answer(
        Line.SIGNED,
        notes[0],
        **signed.data,
        notes=notes,
        co_signature=code,
        co_signature_reason=reason,
    )
