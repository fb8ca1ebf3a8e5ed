"""Frozen inputs of the checks: what a document claims, and what could be learnt about it.

Claims come from the presented bytes and are worth nothing by themselves. Facts come from the
checker's sources. A check compares the two and never fetches anything. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from verifier.checks.facts import (
    AnchorFacts,
    BodyFacts,
    Head,
    KeyFacts,
    KeyPurpose,
    StatusFacts,
    Unavailable,
)
from verifier.core.field_policy import DocumentKind
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.moments import Moment
from verifier.core.release import ReleaseClaims
from verifier.core.strict_json import JsonObject

# An anchor is due within four hours (docs/verdict.md, section 3): longer outages are rare, and
# a thief who holds a key back-dates by no more.
GRACE_SECONDS: Final = 4 * 3600
# Clocks of laboratory, chain and checker differ; block times may lag by minutes.
CLOCK_TOLERANCE_SECONDS: Final = 15 * 60
# A trust bundle is made daily (docs/verdict.md, section 5): what is older gets a note, and a week
# is as long as anybody may go without hearing of a revocation.
BUNDLE_NOTE_SECONDS: Final = 24 * 3600
BUNDLE_LIMIT_SECONDS: Final = 7 * 24 * 3600


class Form(StrEnum):
    """How much of a certificate is in hand."""

    CERTIFICATE = "certificate"  # the token with the disclosures that its holder shows
    PUBLIC_RECEIPT = "public_receipt"  # the token as a registry serves it, without disclosures
    SUMMARY = "summary"  # an offline code alone


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """One signature as presented, with everything that its check needs.

    Attributes:
        purpose: What the key must be registered for.
        party: Party id that the token names.
        body: Body id that the token names, 32 bytes.
        did: Issuer id that the token names; None where the token has none (summaries).
        thumbprint: RFC 7638 thumbprint of the key in the header, 32 bytes.
        issued_at: `iat` of the token.
        leaf: Leaf digest of the token, 32 bytes.
        signed_by: Tells whether a key made the signature, with the key's own algorithm.
    """

    purpose: KeyPurpose
    party: str
    body: bytes
    did: str | None
    thumbprint: bytes
    issued_at: int
    leaf: bytes
    signed_by: Callable[[PublicKey], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultClaim:
    """One result: its stub is always visible, its inside (`detail`) only when disclosed."""

    ordinal: int
    conclusion: str
    accredited: bool
    detail: JsonObject | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestDates:
    """The days or moments in which the activity took place, as a half-open interval."""

    __test__ = False  # pytest: not a test class

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What is known about the product: None where it is withheld or was never stated."""

    hs_code: str | None
    descriptions: tuple[str, ...]
    stated: bool  # whether everything stated about the product is visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a document says after its disclosures were matched with the signed digests.

    Attributes:
        form: How much of the document is in hand.
        kind: Type of the document.
        certificate_leaf: Leaf of the certificate: that of the token itself, or the one that a
            summary names.
        claimed_issue: Claimed moment of issue; a span when only a date is claimed.
        valid_until: First moment at which the document is no longer valid, None without expiry.
        status_list: Number of the status list inside the body.
        status_index: Index in that list.
        demonstration: Whether the document calls itself a demonstration.
        results: Every result in order of ordinal; nothing can be left out.
        dates: When the activity took place, None when withheld or (summaries) not carried.
        goods: What is known about the product.
        has_quantity: False only when it is certain that no quantity is stated.
        co_signed: Whether it says that there is a co-signature.
    """

    form: Form
    kind: DocumentKind
    certificate_leaf: bytes
    claimed_issue: Moment
    valid_until: int | None
    status_list: int
    status_index: int
    demonstration: bool
    results: tuple[ResultClaim, ...]
    dates: TestDates | None
    goods: Goods
    has_quantity: bool
    co_signed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release statement as presented.

    Attributes:
        token: Its signature.
        claims: What it says.
        mismatch: Why it does not speak of the view beside it, None when it does.
    """

    token: SignedToken
    claims: ReleaseClaims
    mismatch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How much of a certificate is in hand.

    Attributes:
        listed: Whether the list of contents is in hand, so that `withheld` is certain to be all.
        withheld: Sorted paths known to be withheld.
        release: The release statement that came along, if any.
    """

    listed: bool
    withheld: tuple[str, ...]
    release: Release | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One parsed document: its signature, what it says, and how much of it is in hand.

    Attributes:
        token: Signature of the token, or of the summary that stands alone.
        claims: What it says.
        view: Which disclosures are in hand; None for a summary.
        differences: Members in which a code beside the token differs from it; empty when there is
            none beside it or they agree.
        payload: The signed bytes of a certificate, which its co-signature must repeat.
    """

    token: SignedToken
    claims: Claims
    view: View | None
    differences: tuple[str, ...] = ()
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Anchored:
    """The leaf is under a root that a final block holds."""

    facts: AnchorFacts


@dataclass(frozen=True, slots=True)
class NotAnchored:
    """Whoever should know says that no final block holds the leaf."""


@dataclass(frozen=True, slots=True)
class WrongProof:
    """The proof in hand contradicts itself or the leaf."""

    reason: str


Anchoring: TypeAlias = Anchored | NotAnchored | WrongProof | Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerFacts:
    """What the source knows about the signer of one token.

    Attributes:
        body: The body that the token names; None when it is not registered.
        key: The key registered inside that body; None when it is not.
        named_key: A public key with the thumbprint of the header from any place at all, such as a
            receipt. It can show that a signature is intact, never whose it is.
    """

    body: BodyFacts | Unavailable | None
    key: KeyFacts | Unavailable | None
    named_key: PublicKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """Signer and anchoring of one token."""

    signer: SignerFacts
    anchoring: Anchoring


@dataclass(frozen=True, slots=True, kw_only=True)
class CoSignatureFacts:
    """A co-signature that names this certificate, and what could be learnt about it.

    Attributes:
        token: Its signature; party, body and time are those of the payload that it repeats.
        facts: Its signer and its own anchoring.
        same_payload: Whether its payload segment is that of the certificate.
    """

    token: SignedToken
    facts: TokenFacts
    same_payload: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the checker's profile decides.

    Attributes:
        parties: Ids of the parties that the checker trusts.
        algorithms: Accepted algorithms, each with the first moment of anchoring at which it is no
            longer accepted, None while it is.
        demonstration: Whether the profile is for demonstration.
    """

    parties: frozenset[str]
    algorithms: Mapping[Algorithm, int | None]
    demonstration: bool


@dataclass(frozen=True, slots=True)
class RegistryReport:
    """What a registry that was asked said about the quantity; None when it keeps no account."""

    written_off: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that could be learnt about one document.

    Attributes:
        trust: The checker's decisions; Unavailable without a profile.
        head: The final block at which all was read.
        token: Signer and anchoring of the document.
        release: The same for its release statement, None when there is none.
        statuses: Status of the certificate and, for a summary, of the summary's own leaf.
        scope_documents: Hash-named documents in hand, SHA-256 to exact bytes.
        registry: None when no registry was asked.
        co_signatures: Every co-signature in hand that names this certificate; Unavailable when
            there is nothing to check them with.
        from_bundle: Whether all was read from a trust bundle, which hears of nothing new.
    """

    trust: Trust | Unavailable
    head: Head | Unavailable
    token: TokenFacts
    release: TokenFacts | None
    statuses: tuple[StatusFacts | Unavailable, ...]
    scope_documents: Mapping[bytes, bytes]
    registry: RegistryReport | Unavailable | None
    co_signatures: tuple[CoSignatureFacts, ...] | Unavailable = ()
    from_bundle: bool = False


def anchoring_as_of(anchoring: Anchoring, moment: int) -> Anchoring:
    """Return what was true of an anchoring at `moment`: a later anchor was none yet."""
    if isinstance(anchoring, Anchored) and anchoring.facts.time > moment:
        return NotAnchored()
    return anchoring


def is_fresh(issued_at: int, moment: int) -> bool:
    """Tell whether a token of this signing time may still be waiting for its anchor."""
    return issued_at - CLOCK_TOLERANCE_SECONDS <= moment <= issued_at + GRACE_SECONDS
