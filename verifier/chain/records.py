"""From what the contracts answer to the facts that checks judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verifier.chain.rpc import fault
from verifier.checks.facts import (
    AnchorFacts,
    BodyFacts,
    BodyKind,
    BodyState,
    BodyStatusFact,
    KeyFacts,
    KeyPurpose,
    ScopeFact,
)
from verifier.core.errors import EvidenceUnavailableError, MalformedEvidenceError
from verifier.core.ids import body_id, party_from_bytes32
from verifier.core.keys import Algorithm, PublicKey


def read_body(wanted: bytes, dossier: Mapping[str, Any]) -> BodyFacts | None:
    """Return a body from the answer of `bodyDossier`, None when it is unknown.

    Raises:
        EvidenceUnavailableError: The answer is about another body, or uses numbers or names that
            the contract cannot hold (`chain_fault`).
    """
    body, party = dossier["body"], dossier["party"]
    if body["registeredAt"] == 0:
        return None
    try:
        name = party_from_bytes32(body["partyId"])
        if body_id(name, body["did"]) != wanted:
            raise fault("bodyDossier: the answer is about another body")
        return BodyFacts(
            body_id=wanted,
            party=name,
            country=_country(party["country"]),
            party_removed_at=_optional(party["removedAt"]),
            did=body["did"],
            kind=BodyKind(body["kind"]),
            registered_at=body["registeredAt"],
            statuses=tuple(map(_status, dossier["statuses"])),
            scopes=tuple(map(_scope, dossier["scopes"])),
        )
    except (MalformedEvidenceError, ValueError) as error:
        raise fault(f"bodyDossier: {error}") from error


def read_key(thumbprint: bytes, record: Mapping[str, Any]) -> KeyFacts | None:
    """Return a key from the answer of `keyOf`.

    The contract does not compute thumbprints or check points. A record whose bytes are no key, or
    another key than its name says, registers nothing that could verify a signature.

    Returns:
        The key, None when it is unknown or no usable key.

    Raises:
        EvidenceUnavailableError: `algorithm_unsupported` for an algorithm newer than this
            verifier, `chain_fault` for a purpose that the contract cannot hold.
    """
    if record["registeredAt"] == 0:
        return None
    try:
        algorithm = Algorithm.from_chain_code(record["algorithm"])
    except MalformedEvidenceError as error:
        raise EvidenceUnavailableError("algorithm_unsupported", str(error)) from error
    try:
        public_key = PublicKey(algorithm, record["publicKey"])
    except MalformedEvidenceError:
        return None
    if public_key.thumbprint() != thumbprint:
        return None
    try:
        purpose = KeyPurpose(record["purpose"])
    except ValueError as error:
        raise fault(f"keyOf: {error}") from error
    return KeyFacts(
        public_key=public_key,
        purpose=purpose,
        registered_at=record["registeredAt"],
        sign_until=_optional(record["signUntil"]),
        anchor_until=_optional(record["anchorUntil"]),
        revoked_at=_optional(record["revokedAt"]),
        revocation_recorded_at=_optional(record["revocationRecordedAt"]),
        compromised_since=_optional(record["compromisedSince"]),
    )


def read_anchor(
    root: bytes, size: int, record: Mapping[str, Any], *, chain_id: int, ledger: str
) -> AnchorFacts | None:
    """Return an anchor from the answer of `earliestAnchor`, None when there is none.

    Raises:
        EvidenceUnavailableError: The answer is about another root or size (`chain_fault`).
    """
    if record["anchoredAt"] == 0:
        return None
    if record["root"] != root or record["size"] != size:
        raise fault("earliestAnchor: the answer is about another anchor")
    return AnchorFacts(
        chain_id=chain_id,
        contract=ledger,
        operator=record["operator"].lower(),
        root=root,
        size=size,
        block=record["blockNumber"],
        time=record["anchoredAt"],
    )


def _status(record: Mapping[str, Any]) -> BodyStatusFact:
    return BodyStatusFact(
        state=BodyState(record["status"]),
        effective_from=record["effectiveFrom"],
        recorded_at=record["recordedAt"],
    )


def _scope(record: Mapping[str, Any]) -> ScopeFact:
    return ScopeFact(
        document_hash=record["documentHash"],
        effective_from=record["effectiveFrom"],
        effective_until=_optional(record["effectiveUntil"]),
        recorded_at=record["recordedAt"],
    )


def _country(code: bytes) -> str:
    text = code.decode("ascii", "replace")
    if not (len(text) == len(code) and text.isalpha() and text.isupper()):
        raise fault("bodyDossier: the country is not two capital letters")
    return text


def _optional(moment: int) -> int | None:
    return moment or None  # the contracts write 0 for "none"
