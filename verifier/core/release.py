"""Release statements: the issuer's word on what a view withholds, for whom and on what grounds.

A release statement is a compact JWS of its own and a leaf of its own
(docs/evidence-format.md, section 3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from verifier.core.encoding import b64u, unb64u
from verifier.core.hashing import token_leaf
from verifier.core.ids import body_from_hex, check_party
from verifier.core.json_members import Members
from verifier.core.jws import CompactJws, parse_compact, sign_compact
from verifier.core.keys import Signer
from verifier.core.limits import MAX_DISCLOSURES
from verifier.core.moments import LAST_SECOND
from verifier.core.strict_json import JsonObject, canonical_json, parse_json_object
from verifier.core.views import ResolvedCertificate

TYP: Final = "lancang-release+jwt"

_WHAT: Final = "release statement"
_DIGEST_BYTES: Final = 32
_MAX_GROUNDS: Final = 32
_PATH: Final = re.compile(r"[a-z_]{1,40}(\.[0-9]{1,4})?(\.[a-z_]{1,40})?", re.ASCII)
_GROUND: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseClaims:
    """What a release statement says.

    Attributes:
        issued_at: Time of signing by its own account, Unix seconds.
        party: Party of the issuing body.
        body: Id of the issuing body, 32 bytes; that of the certificate.
        leaf: Leaf of the certificate, 32 bytes.
        destination: For whom the view was made: a party id, which for a country is its ISO 3166-1
            code.
        withheld: Sorted dotted paths of the disclosures that the view drops.
        grounds: Codes of the rules that made them be dropped, sorted.
        released: SHA-256 over the sorted digests of the disclosures that the view has.
    """

    issued_at: int
    party: str
    body: bytes
    leaf: bytes
    destination: str
    withheld: tuple[str, ...]
    grounds: tuple[str, ...]
    released: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseStatement:
    """A well-formed release statement whose signature has not been looked at.

    Attributes:
        jws: The signed token.
        claims: What it says.
        leaf: Its own leaf digest, 32 bytes.
    """

    jws: CompactJws
    claims: ReleaseClaims
    leaf: bytes


def issue_release(claims: ReleaseClaims, signer: Signer) -> ReleaseStatement:
    """Sign a release statement with a key of purpose `statement`.

    Raises:
        MalformedEvidenceError: The claims break the format.
    """
    payload: JsonObject = {
        "iat": claims.issued_at,
        "party": claims.party,
        "body": claims.body.hex(),
        "leaf": b64u(claims.leaf),
        "destination": claims.destination,
        "withheld": [*claims.withheld],
        "grounds": [*claims.grounds],
        "released": b64u(claims.released),
    }
    return parse_release(sign_compact(canonical_json(payload), signer, typ=TYP))


def parse_release(text: str) -> ReleaseStatement:
    """Parse a release statement.

    Raises:
        NotOursError: The text is no release statement.
        MalformedEvidenceError: It breaks the format (`members`, `type`, `value`, `order`, or as
            `parse_compact` and `parse_json` say).
    """
    jws = parse_compact(text, what=_WHAT, typ=TYP)
    payload = Members(parse_json_object(jws.payload, what=f"{_WHAT} payload"), _WHAT)
    payload.expect("iat", "party", "body", "leaf", "destination", "withheld", "grounds", "released")
    claims = ReleaseClaims(
        issued_at=payload.integer("iat", most=LAST_SECOND),
        party=check_party(payload.text("party")),
        body=body_from_hex(payload.text("body")),
        leaf=unb64u(payload.text("leaf"), what="leaf", length=_DIGEST_BYTES),
        destination=check_party(payload.text("destination")),
        withheld=_sorted_texts(payload, "withheld", _PATH, MAX_DISCLOSURES),
        grounds=_sorted_texts(payload, "grounds", _GROUND, _MAX_GROUNDS),
        released=unb64u(payload.text("released"), what="released", length=_DIGEST_BYTES),
    )
    return ReleaseStatement(jws=jws, claims=claims, leaf=token_leaf(text))


def release_mismatch(claims: ReleaseClaims, certificate: ResolvedCertificate) -> str | None:
    """Tell why a release statement does not speak of this view; None when it does.

    Returns:
        `other_certificate` when it names another leaf, `other_body` when another body issued
        it, `other_view` when the view shows more or less than was released.
    """
    credential = certificate.parsed.credential
    if claims.leaf != certificate.parsed.leaf:
        return "other_certificate"
    if (claims.party, claims.body) != (credential.party, credential.body):
        return "other_body"
    shown = claims.released == certificate.released
    if not shown or not set(certificate.digests).isdisjoint(claims.withheld):
        return "other_view"
    return None


def _sorted_texts(
    payload: Members, name: str, pattern: re.Pattern[str], most: int
) -> tuple[str, ...]:
    texts: Sequence[str] = payload.texts(name)
    if not 1 <= len(texts) <= most or not all(map(pattern.fullmatch, texts)):
        raise payload.malformed(name, "is empty, too long or malformed", reason="value")
    if list(texts) != sorted(set(texts)):
        raise payload.malformed(name, "must be sorted without repetition", reason="order")
    return tuple(texts)
