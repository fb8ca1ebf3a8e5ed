"""The offline code: a signed summary with its proof to the head of its subtree, as text for QR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from verifier.core.code_url import join_code, split_code
from verifier.core.cose import Sign1, Unsigned1, parse_sign1
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.keys import Algorithm, PublicKey, Signer
from verifier.core.limits import SUBTREE_LEAVES
from verifier.core.merkle import SubtreeProof, root_from_path
from verifier.core.strict_cbor import CborKey, CborValue
from verifier.core.summary import SummaryClaims
from verifier.core.summary_claims import decode_claims, encode_claims

SUMMARY_TYP: Final = "lancang-summary+cwt"
OFFLINE_KIND: Final = "o"
MAX_PRINTED_CHARS: Final = 2331  # bytes that a QR code of version 40 holds at error correction M

_WHAT: Final = "offline code"
_BEGINNING: Final = "0oRY"  # base64url of tag 18, four parts, a header of 24 to 255 bytes
_PROOF: Final = -65538  # label of our own in the unprotected header, from the private range
_PROOF_PARTS: Final = 3  # index, leaves, path


@dataclass(frozen=True, slots=True)
class Summary:
    """A signed summary, with or without its proof. Made by `issue_summary` or a parser.

    Attributes:
        claims: Its content.
        message: The signed message, without the proof.
        proof: Its way to the head of its subtree; None until its batch is sealed.
    """

    claims: SummaryClaims
    message: Sign1
    proof: SubtreeProof | None = None

    @property
    def thumbprint(self) -> bytes:
        """Thumbprint of the key that the summary names as its signer, 32 bytes."""
        return self.message.thumbprint

    def leaf(self) -> bytes:
        """Return the summary's own leaf, 32 bytes; the proof is no part of it."""
        return self.message.leaf()

    def entry(self) -> bytes:
        """Return the bytes whose hash is the leaf."""
        return self.message.encode()

    def verify(self, key: PublicKey) -> bool:
        """Tell whether `key` signed the summary."""
        return self.message.verify(key)

    def head(self) -> bytes | None:
        """Return the head of the subtree that the proof leads to, None without a proof."""
        if self.proof is None:
            return None
        proof = self.proof
        return root_from_path(self.leaf(), index=proof.index, size=proof.leaves, path=proof.path)

    def with_proof(self, index: int, leaves: int, path: Sequence[bytes]) -> Summary:
        """Return the same summary with its proof.

        Args:
            index: Position of its leaf inside the subtree.
            leaves: Number of leaves in the subtree.
            path: Sibling digests up to the head.

        Raises:
            MalformedEvidenceError: The parts do not fit each other or a subtree.
        """
        return replace(self, proof=_checked_proof(self, index, leaves, path))

    def encode_offline_code(self, verifier_host: str) -> str:
        """Return the text of the offline code, `https://<host>/o#<base64url>`.

        Args:
            verifier_host: Host, with an optional port, that shows a person how to verify.

        Raises:
            LimitExceededError: The text does not fit a QR code with error correction M.
            MalformedEvidenceError: `verifier_host` is no host name.
        """
        text = join_code(verifier_host, OFFLINE_KIND, b64u(self._with_header().encode()))
        if len(text) > MAX_PRINTED_CHARS:
            raise LimitExceededError(_WHAT, actual=len(text), limit=MAX_PRINTED_CHARS)
        return text

    def _with_header(self) -> Sign1:
        if self.proof is None:
            return self.message
        # One string for all nodes: as an array they would cost a larger print.
        path = b"".join(self.proof.path)
        return replace(
            self.message, unprotected={_PROOF: [self.proof.index, self.proof.leaves, path]}
        )


@dataclass(frozen=True, slots=True)
class UnsignedSummary:
    """A summary for which only the signature is missing."""

    claims: SummaryClaims
    unsigned: Unsigned1

    @property
    def message(self) -> bytes:
        """The bytes to be signed."""
        return self.unsigned.message

    def signed(self, signature: bytes) -> Summary:
        """Return the summary with the raw 64-byte signature over `message`."""
        return Summary(self.claims, self.unsigned.signed(signature))


def prepare_summary(
    claims: SummaryClaims, *, algorithm: Algorithm, thumbprint: bytes
) -> UnsignedSummary:
    """Return everything of a summary but its signature; for signing many in one go.

    Args:
        claims: Its content.
        algorithm: That of the key that will sign.
        thumbprint: RFC 7638 name of that key, 32 bytes.

    Raises:
        MalformedEvidenceError: A claim does not fit the format.
    """
    payload = encode_claims(claims)
    return UnsignedSummary(
        claims,
        Unsigned1(algorithm=algorithm, thumbprint=thumbprint, typ=SUMMARY_TYP, payload=payload),
    )


def issue_summary(claims: SummaryClaims, signer: Signer) -> Summary:
    """Sign a summary.

    Raises:
        MalformedEvidenceError: A claim does not fit the format.
    """
    unsigned = prepare_summary(claims, algorithm=signer.algorithm, thumbprint=signer.thumbprint)
    return unsigned.signed(signer.sign(unsigned.message))


def parse_offline_code(text: str) -> Summary:
    """Parse the text of an offline code, whatever its host.

    Raises:
        NotOursError: The text carries no summary.
        LimitExceededError: Larger than the format allows.
        MalformedEvidenceError: The payload breaks the format.
    """
    _, kind, payload = split_code(text)
    if kind != OFFLINE_KIND:
        raise NotOursError(_WHAT, "is another kind of code")
    return parse_payload(payload)


def parse_payload(payload: str) -> Summary:
    """Parse what stands behind the "#" of an offline code.

    Raises:
        NotOursError: It is no COSE_Sign1, or one of another type.
        LimitExceededError: Larger than the format allows.
        MalformedEvidenceError: It breaks the format.
    """
    if not payload.startswith(_BEGINNING):
        raise NotOursError(_WHAT, "carries no signed message")
    message = parse_sign1(unb64u(payload, what=_WHAT), typ=SUMMARY_TYP, what=_WHAT)
    summary = Summary(decode_claims(message.payload), replace(message, unprotected={}))
    return _with_parsed_proof(summary, message.unprotected)


def _with_parsed_proof(summary: Summary, header: dict[CborKey, CborValue]) -> Summary:
    if not header:
        return summary
    proof = header.get(_PROOF)
    if set(header) != {_PROOF} or not isinstance(proof, list) or len(proof) != _PROOF_PARTS:
        raise _malformed("has an unprotected header that is no proof", "proof")
    index, leaves, path = proof
    if type(index) is not int or type(leaves) is not int or not isinstance(path, bytes):
        raise _malformed("has a proof of another shape", "proof")
    nodes = [path[at : at + DIGEST_BYTES] for at in range(0, len(path), DIGEST_BYTES)]
    return summary.with_proof(index, leaves, nodes)


def _checked_proof(
    summary: Summary, index: int, leaves: int, path: Sequence[bytes]
) -> SubtreeProof:
    # At most 1024 leaves have paths of at most 10 nodes; a longer one fits no index.
    if leaves > SUBTREE_LEAVES or any(len(node) != DIGEST_BYTES for node in path):
        raise _malformed("has a proof out of bounds", "proof")
    proof = SubtreeProof(index=index, leaves=leaves, path=tuple(path))
    root_from_path(summary.leaf(), index=index, size=leaves, path=proof.path)
    return proof


def _malformed(message: str, reason: str) -> MalformedEvidenceError:
    return MalformedEvidenceError(_WHAT, message, reason=reason)
