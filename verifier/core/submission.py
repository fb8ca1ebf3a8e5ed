"""Submission receipts: the issuer's signed promise that a leaf will be anchored by a deadline.

A compact JWS by a key of purpose `statement`. Who holds one can show, beside a ledger without the
leaf, that a promise was broken, and may have the same leaf anchored by another operator. It is no
leaf itself and proves nothing about the chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.core.encoding import b64u, unb64u
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.ids import body_from_hex, check_party
from verifier.core.json_members import Members
from verifier.core.jws import CompactJws, parse_compact, sign_compact
from verifier.core.keys import Signer
from verifier.core.moments import LAST_SECOND
from verifier.core.strict_json import JsonObject, canonical_json, parse_json_object

TYP: Final = "lancang-submission+jwt"
LONGEST_PROMISE: Final = 4 * 3600  # seconds; as long as a verifier takes "pending" for an answer
_WHAT: Final = "submission receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionClaims:
    """What a submission receipt says. Times are Unix seconds.

    Attributes:
        issued_at: Time of signing.
        party: Party of the issuing body.
        body: Id of the issuing body, 32 bytes.
        leaf: The leaf that was handed over, 32 bytes.
        queued: When it was handed over.
        deadline: Until when it will stand in a final block.
    """

    issued_at: int
    party: str
    body: bytes
    leaf: bytes
    queued: int
    deadline: int

    def is_broken(self, anchored_at: int | None, *, now: int) -> bool:
        """Tell whether the promise is broken.

        Args:
            anchored_at: Block time of the anchor of the leaf; None when it has none.
            now: The present moment.
        """
        return (now if anchored_at is None else anchored_at) > self.deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionReceipt:
    """A well-formed submission receipt whose signature has not been looked at."""

    jws: CompactJws
    claims: SubmissionClaims


def issue_submission(claims: SubmissionClaims, signer: Signer) -> SubmissionReceipt:
    """Sign a submission receipt with a key of purpose `statement`.

    Raises:
        MalformedEvidenceError: The claims break the format.
    """
    payload: JsonObject = {
        "iat": claims.issued_at,
        "party": claims.party,
        "body": claims.body.hex(),
        "leaf": b64u(claims.leaf),
        "queued": claims.queued,
        "deadline": claims.deadline,
    }
    return parse_submission(sign_compact(canonical_json(payload), signer, typ=TYP))


def parse_submission(text: str) -> SubmissionReceipt:
    """Parse a submission receipt.

    Raises:
        NotOursError: The text is no submission receipt.
        MalformedEvidenceError: It breaks the format (`members`, `type`, `value`, or as
            `parse_compact` and `parse_json` say).
    """
    jws = parse_compact(text, what=_WHAT, typ=TYP)
    payload = Members(parse_json_object(jws.payload, what=f"{_WHAT} payload"), _WHAT)
    payload.expect("iat", "party", "body", "leaf", "queued", "deadline")
    claims = SubmissionClaims(
        issued_at=payload.integer("iat", most=LAST_SECOND),
        party=check_party(payload.text("party")),
        body=body_from_hex(payload.text("body")),
        leaf=unb64u(payload.text("leaf"), what="leaf", length=DIGEST_BYTES),
        queued=payload.integer("queued", most=LAST_SECOND),
        deadline=payload.integer("deadline", most=LAST_SECOND),
    )
    if not claims.queued < claims.deadline <= claims.queued + LONGEST_PROMISE:
        raise payload.malformed("deadline", "is no time that may be promised", reason="value")
    return SubmissionReceipt(jws=jws, claims=claims)
