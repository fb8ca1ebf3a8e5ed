"""Do content and disclosures match what was signed?"""

from __future__ import annotations

from verifier.checks.codes import answer, unknown
from verifier.checks.evidence import Document, SignerFacts
from verifier.checks.facts import Unavailable
from verifier.checks.finding import Finding, Line
from verifier.core.disclosures import DisclosureError
from verifier.core.errors import MalformedEvidenceError


def check_unchanged(document: Document, signer: SignerFacts, *, holds: bool | None) -> Finding:
    """Judge a document whose disclosures all fitted the signed digests.

    Any key with the thumbprint of the header will do here: whose key it is, is another question.

    Args:
        document: The parsed document.
        signer: What is known about its signer.
        holds: Answer of `signature_holds`, None without the key.
    """
    if holds is False:
        return answer(Line.UNCHANGED, "altered", reason="signature")
    if document.differences:
        return answer(Line.UNCHANGED, "summary_differs", members=list(document.differences))
    if holds is None:
        if isinstance(signer.key, Unavailable):
            return unknown(Line.UNCHANGED, signer.key)
        return answer(Line.UNCHANGED, "not_checked", because=Line.SIGNED.value)
    return answer(Line.UNCHANGED, "ok")


def check_broken(error: MalformedEvidenceError) -> Finding:
    """Judge an input that claims to be evidence of our format and breaks it.

    Nothing that was signed has this form, so it is no longer what was signed.
    """
    code = error.finding if isinstance(error, DisclosureError) else "malformed"
    return answer(Line.UNCHANGED, code, part=error.what, reason=error.reason)
