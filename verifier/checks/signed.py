"""Did a key of this body, usable for this purpose, sign it, and was it usable when anchored?"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.checks.codes import answer, unknown
from verifier.checks.evidence import (
    CLOCK_TOLERANCE_SECONDS,
    Anchored,
    Anchoring,
    NotAnchored,
    SignedToken,
    SignerFacts,
    TokenFacts,
    Trust,
    WrongProof,
    is_fresh,
)
from verifier.checks.facts import BodyFacts, KeyFacts, Unavailable
from verifier.checks.finding import Finding, Line
from verifier.core.errors import MalformedEvidenceError
from verifier.core.ids import body_id


@dataclass(frozen=True, slots=True)
class Signer:
    """A registered key and its body, under which the signature was found intact."""

    body: BodyFacts
    key: KeyFacts


def signature_holds(token: SignedToken, signer: SignerFacts) -> bool | None:
    """Tell whether the signature is by the key that the header names; None without that key."""
    key = signer.key.public_key if isinstance(signer.key, KeyFacts) else signer.named_key
    return None if key is None else token.signed_by(key)


def find_signer(
    token: SignedToken, signer: SignerFacts, *, trust: Trust | Unavailable, holds: bool | None
) -> Signer | Finding:
    """Return who signed, or the finding that says why nobody is established.

    A party that the profile does not name is UNKNOWN, not FAIL: which authorities to believe is the
    checker's choice, and having made none says nothing about the document. A body or key that a
    trusted party has not registered is FAIL, because the registry is complete.

    Args:
        token: The signature as presented.
        signer: What the source knows about body and key.
        trust: The checker's decisions.
        holds: Answer of `signature_holds` for the same token and signer.
    """
    if not _names_its_body(token):
        return _issuer_mismatch(token)
    for fact in (trust, signer.key, signer.body):
        if isinstance(fact, Unavailable):
            return unknown(Line.SIGNED, fact)
    if signer.key is not None and not holds:
        return answer(Line.SIGNED, "bad_signature")
    if isinstance(trust, Trust) and token.party not in trust.parties:
        return answer(Line.SIGNED, "unknown_party", party=token.party)
    return _registered(token, signer)


def _registered(token: SignedToken, signer: SignerFacts) -> Signer | Finding:
    """Return the signer if body and key are registered, belong together and fit the purpose."""
    body, key = signer.body, signer.key
    if not isinstance(body, BodyFacts) or not isinstance(key, KeyFacts):
        return answer(Line.SIGNED, "unknown_key", body_registered=body is not None)
    if body.party != token.party:
        return _issuer_mismatch(token)
    if key.purpose is not token.purpose:
        return answer(Line.SIGNED, "key_not_usable", reason="purpose")
    return Signer(body, key)


def _issuer_mismatch(token: SignedToken) -> Finding:
    return answer(Line.SIGNED, "issuer_mismatch", party=token.party, body=token.body.hex())


def _names_its_body(token: SignedToken) -> bool:
    if token.did is None:
        return True
    try:
        return body_id(token.party, token.did) == token.body
    except MalformedEvidenceError:
        return False


def check_signed(
    token: SignedToken,
    facts: TokenFacts,
    *,
    trust: Trust | Unavailable,
    holds: bool | None,
    moment: int,
) -> Finding:
    """Judge the signer of a token at the time that counts, that of its anchor.

    Without an anchor the key must be usable at `moment`. Where it is not known whether there is one
    the answer stands only if it is the same for every moment at which a credible anchor could lie:
    from the signing time on, less the tolerance of clocks, to `moment`.

    Args:
        token: The signature as presented.
        facts: Registered body and key, and the anchoring as of `moment`.
        trust: The checker's decisions.
        holds: Answer of `signature_holds`.
        moment: The moment of the question, Unix seconds.
    """
    signer = find_signer(token, facts.signer, trust=trust, holds=holds)
    if isinstance(signer, Finding):
        return signer
    if isinstance(trust, Unavailable):  # find_signer has answered; for the type checker
        return unknown(Line.SIGNED, trust)
    earliest, latest = _possible_anchor_times(token, facts.anchoring, moment)
    return (
        _closed_window(token, signer, earliest, latest)
        or _open_question(signer, facts.anchoring, earliest, latest)
        or _refused_algorithm(signer.key, trust, latest)
        or _afterwards(signer.key)
    )


def _possible_anchor_times(
    token: SignedToken, anchoring: Anchoring, moment: int
) -> tuple[int, int]:
    """Return the first and the last moment at which the token may have been anchored."""
    if isinstance(anchoring, Anchored):
        return anchoring.facts.time, anchoring.facts.time
    if isinstance(anchoring, NotAnchored) or presumed_pending(token, anchoring, moment):
        return moment, moment
    earliest = token.issued_at - CLOCK_TOLERANCE_SECONDS
    return earliest, max(earliest, moment)


def presumed_pending(token: SignedToken, anchoring: Anchoring, moment: int) -> bool:
    """Tell whether a fresh token that came without any proof is taken to be not yet anchored.

    Only while its anchor is not yet due, and only if no source was asked: one that is silent says
    nothing about the token.
    """
    return (
        isinstance(anchoring, Unavailable)
        and anchoring.reason == "proof_not_supplied"
        and is_fresh(token.issued_at, moment)
    )


def _closed_window(
    token: SignedToken, signer: Signer, earliest: int, latest: int
) -> Finding | None:
    """Return the FAIL of a key that was usable at none of the possible moments."""
    key = signer.key
    if key.sign_until is not None and token.issued_at >= key.sign_until:
        return answer(Line.SIGNED, "key_not_usable", reason="signing_period_over")
    if latest < key.registered_at:
        return answer(Line.SIGNED, "key_not_usable", reason="not_yet_registered")
    for end, code, reason in _ends(signer):
        if end <= earliest:
            return answer(Line.SIGNED, code, reason=reason)
    return None


def _ends(signer: Signer) -> list[tuple[int, str, str]]:
    """Return the moments at which the key ceases to be usable, revocation first."""
    key = signer.key
    ends = (
        (key.compromised_since, "key_revoked", "compromised"),
        (key.revoked_at, "key_revoked", "revoked"),
        (key.anchor_until, "key_not_usable", "anchoring_period_over"),
        (signer.body.party_removed_at, "key_not_usable", "party_removed"),
    )
    return [(end, code, reason) for end, code, reason in ends if end is not None]


def _open_question(
    signer: Signer, anchoring: Anchoring, earliest: int, latest: int
) -> Finding | None:
    """Return UNKNOWN when the answer would differ between the possible moments."""
    ends = [end for end, _, _ in _ends(signer)]
    if earliest >= signer.key.registered_at and all(end > latest for end in ends):
        return None
    if isinstance(anchoring, Unavailable):
        return unknown(Line.SIGNED, anchoring)
    if isinstance(anchoring, WrongProof):
        return answer(Line.SIGNED, "not_checked", because=Line.TIME_STAMPED.value)
    return None


def _refused_algorithm(key: KeyFacts, trust: Trust, latest: int) -> Finding | None:
    """Return UNKNOWN when the profile no longer believes signatures of this algorithm."""
    algorithm = key.public_key.algorithm
    until = trust.algorithms.get(algorithm)
    if algorithm in trust.algorithms and (until is None or latest < until):
        return None
    return answer(Line.SIGNED, "algorithm_not_accepted", algorithm=algorithm.value)


def _afterwards(key: KeyFacts) -> Finding:
    """Return PASS, or the NOTE that the key lost its standing after the anchor."""
    if key.compromised_since is not None:
        return answer(Line.SIGNED, "key_compromised_later")
    if key.revoked_at is not None:
        return answer(Line.SIGNED, "key_revoked_later")
    return answer(Line.SIGNED, "ok")
