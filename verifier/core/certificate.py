"""Certificates as they travel: issuing and parsing.

A certificate is `header.payload.signature~disclosure~…~` (docs/evidence-format.md, section 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from json import JSONEncoder
from typing import Final, Protocol

from verifier.core.credential import Credential, read_payload, write_payload
from verifier.core.disclosures import SALT_BYTES, decoys, salted
from verifier.core.document import Document
from verifier.core.encoding import b64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.hashing import token_leaf
from verifier.core.ids import StatusEntry, body_id
from verifier.core.jws import CompactJws, parse_compact, signing_input
from verifier.core.keys import Algorithm, Signer
from verifier.core.limits import MAX_DISCLOSURES, MAX_DOCUMENT_BYTES
from verifier.core.payload_shapes import NO_CO_SIGNATURE
from verifier.core.strict_json import JsonObject

TYP: Final = "vc+sd-jwt"
CTY: Final = "vc"

_WHAT: Final = "certificate"
_ENCODER: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerInfo:
    """Who issues: a body as registered under its party.

    Attributes:
        party: Id of the party.
        did: did:web of the body.
        name: Registered name of the body.
        body: Id of the body, 32 bytes; follows from `party` and `did`.
    """

    party: str
    did: str
    name: str
    body: bytes = field(init=False)
    _text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        body = body_id(self.party, self.did)
        members = {"id": self.did, "name": self.name, "party": self.party, "body": body.hex()}
        object.__setattr__(self, "body", body)
        object.__setattr__(self, "_text", _ENCODER.encode(members))

    def text(self, digests: str | None) -> str:
        """Return the JSON text of the issuer; `digests` is the inside of its `_sd` array."""
        return self._text if digests is None else f'{self._text[:-1]},"_sd":["{digests}"]}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCertificate:
    """A signed certificate with everything disclosed.

    Attributes:
        jwt: `header.payload.signature`.
        disclosures: Every disclosure, in the order of `paths`.
        paths: Dotted path of each disclosure; the last is `contents`.
        leaf: Leaf digest, 32 bytes.
    """

    jwt: str
    disclosures: tuple[str, ...]
    paths: tuple[str, ...]
    leaf: bytes

    @property
    def compact(self) -> str:
        """The complete certificate."""
        return join_compact(self.jwt, self.disclosures)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedCertificate:
    """A certificate for which only the signature is missing.

    Attributes:
        signing_input: `header.payload`.
        disclosures: As in `IssuedCertificate`.
        paths: As in `IssuedCertificate`.
    """

    signing_input: str
    disclosures: tuple[str, ...]
    paths: tuple[str, ...]

    @property
    def message(self) -> bytes:
        """The bytes to be signed."""
        return self.signing_input.encode("ascii")

    def signed(self, signature: bytes) -> IssuedCertificate:
        """Return the certificate with the raw 64-byte signature over `message`."""
        jwt = f"{self.signing_input}.{b64u(signature)}"
        return IssuedCertificate(
            jwt=jwt, disclosures=self.disclosures, paths=self.paths, leaf=token_leaf(jwt)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedCertificate:
    """A well-formed certificate; signature and disclosures have not been judged.

    Attributes:
        jws: The signed token.
        payload: Its payload.
        credential: What every view shows.
        disclosures: The disclosures as received.
        leaf: Leaf digest, 32 bytes.
    """

    jws: CompactJws
    payload: JsonObject
    credential: Credential
    disclosures: tuple[str, ...]
    leaf: bytes


def issue_certificate(
    document: Document,
    *,
    issuer: IssuerInfo,
    status: StatusEntry,
    credential_id: str,
    issued_at: int,
    salts: bytes,
    signer: Signer,
    co_signature: str = NO_CO_SIGNATURE,
) -> IssuedCertificate:
    """Sign a document as a certificate.

    The result depends on the arguments alone, but for the randomness inside an ECDSA signature.

    Args:
        document: The checked document.
        issuer: The issuing body.
        status: Where the certificate's status will be kept.
        credential_id: `urn:uuid:` with 128 random bits.
        issued_at: Time of signing, Unix seconds.
        salts: Fresh randomness, `document.template.salt_bytes` bytes: 16 for each disclosure in
            the order of `paths`, then 16 for each decoy.
        signer: The key of the body for this kind of document.
        co_signature: `SM2-SM3` if a co-signature will be made, else `none`.

    Raises:
        ValueError: `salts` has the wrong length.
    """
    unsigned = prepare_certificate(
        document,
        partial(
            payload_text,
            document,
            issuer=issuer,
            status=status,
            credential_id=credential_id,
            issued_at=issued_at,
            co_signature=co_signature,
        ),
        salts=salts,
        algorithm=signer.algorithm,
        thumbprint=signer.thumbprint,
    )
    return unsigned.signed(signer.sign(unsigned.message))


class WritePayload(Protocol):
    """`payload_text` of one certificate, for which only the digests are missing."""

    def __call__(self, *, digests: Sequence[str]) -> str:
        """Return the JSON text of the payload."""
        ...


def prepare_certificate(
    document: Document,
    write: WritePayload,
    *,
    salts: bytes,
    algorithm: Algorithm,
    thumbprint: bytes,
) -> UnsignedCertificate:
    """Return everything of a certificate but its signature; for signing many in one go.

    Args:
        document: The checked document.
        write: Writes its payload.
        salts: Fresh randomness, as for `issue_certificate`.
        algorithm: That of the key that will sign.
        thumbprint: RFC 7638 name of that key, 32 bytes.

    Raises:
        ValueError: `salts` has the wrong length.
    """
    template = document.template
    if len(salts) != template.salt_bytes:
        raise ValueError(f"{template.salt_bytes} bytes of salt are needed, not {len(salts)}")
    own = SALT_BYTES * len(template.paths)
    disclosures, digests = salted(template.tails, salts[:own])
    payload = write(digests=digests + decoys(salts[own:]))
    return UnsignedCertificate(
        signing_input=signing_input(
            payload.encode(), algorithm=algorithm, thumbprint=thumbprint, typ=TYP, cty=CTY
        ),
        disclosures=tuple(disclosures),
        paths=template.paths,
    )


def payload_text(
    document: Document,
    *,
    issuer: IssuerInfo,
    status: StatusEntry,
    credential_id: str,
    issued_at: int,
    digests: Sequence[str],
    co_signature: str,
) -> str:
    """Return the JSON text of the payload of a certificate.

    Args:
        document: As for `issue_certificate`, like all that is not named here.
        issuer: The issuing body.
        status: Where the certificate's status will be kept.
        credential_id: `urn:uuid:` with 128 random bits.
        issued_at: Time of signing, Unix seconds.
        digests: One for each disclosure in the order of `paths`, then one for each decoy.
        co_signature: `SM2-SM3` or `none`.
    """
    template = document.template
    location = None if template.issuer is None else template.issuer.fill(digests)
    return write_payload(
        kind=document.kind,
        credential_id=credential_id,
        issuer=issuer.text(location),
        issued_at=issued_at,
        valid_from=template.issued.earliest,
        valid_until=template.valid_until,
        body=issuer.body,
        status=status,
        co_signature=co_signature,
        subject=template.fill(digests),
    )


def parse_certificate(compact: str) -> ParsedCertificate:
    """Parse a certificate or a view of one.

    Raises:
        NotOursError: The text is no certificate of this format.
        LimitExceededError: It is larger than the format allows.
        MalformedEvidenceError: It breaks the format: no "~" at the end (`sd_jwt`), a key binding
            (`key_binding`), or as `parse_compact`, `parse_json` and `parse_payload` say.
    """
    if len(compact) > MAX_DOCUMENT_BYTES:
        raise LimitExceededError(_WHAT, actual=len(compact), limit=MAX_DOCUMENT_BYTES)
    jwt, tilde, rest = compact.partition("~")
    jws = parse_compact(jwt, what=_WHAT, typ=TYP, cty=CTY)
    if not tilde:
        raise MalformedEvidenceError(_WHAT, 'must end with "~"', reason="sd_jwt")
    *disclosures, last = rest.split("~")
    if last:
        raise MalformedEvidenceError(_WHAT, "must not be bound to a key", reason="key_binding")
    if len(disclosures) > MAX_DISCLOSURES:
        raise LimitExceededError("disclosures", actual=len(disclosures), limit=MAX_DISCLOSURES)
    payload, credential = read_payload(jws.payload)
    return ParsedCertificate(
        jws=jws,
        payload=payload,
        credential=credential,
        disclosures=tuple(disclosures),
        leaf=token_leaf(jwt),
    )


def join_compact(jwt: str, disclosures: Sequence[str]) -> str:
    """Return the compact form of a token with these disclosures (RFC 9901, section 4)."""
    return "~".join([jwt, *disclosures, ""])
