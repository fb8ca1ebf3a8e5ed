"""A signer with a fixed key, a certificate that it signed, and the summary of that."""

from __future__ import annotations

import json
from collections.abc import Collection
from hashlib import shake_256
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from verifier.core.certificate import IssuerInfo, issue_certificate, parse_certificate
from verifier.core.document import parse_document
from verifier.core.ids import StatusEntry, body_id
from verifier.core.keys import Algorithm, PublicKey, low_s
from verifier.core.summary import SummaryClaims, summary_of
from verifier.core.views import ResolvedCertificate, make_view, resolve_certificate

DID: Final = "did:web:demo-km.lancang.example"
BODY: Final = body_id("CN", DID)
CERTIFICATE_ID: Final = "urn:uuid:3f2b7e1c-90ad-4c55-8e6b-1d2f3a4b5c6d"
CERTIFICATE_ISSUED_AT: Final = 1_770_804_420
ISSUED_AT: Final = 1_770_804_600

_SAMPLES: Final = Path(__file__).parents[2] / "examples" / "sample_documents.json"


class FixedSigner:
    """Signs with a key made from a small number; ECDSA by RFC 6979, so every run is the same."""

    def __init__(self, algorithm: Algorithm = Algorithm.ES256, number: int = 1) -> None:
        self.algorithm = algorithm
        self._private: EllipticCurvePrivateKey | Ed25519PrivateKey
        if algorithm is Algorithm.ES256:
            self._private = derive_private_key(number, SECP256R1())
            point = self._private.public_key().public_bytes(
                Encoding.X962, PublicFormat.UncompressedPoint
            )
            self.public_key = PublicKey(algorithm, point[1:])
        else:
            self._private = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
            self.public_key = PublicKey(algorithm, self._private.public_key().public_bytes_raw())
        self.thumbprint = self.public_key.thumbprint()

    def sign(self, message: bytes) -> bytes:
        """Return the raw signature."""
        if isinstance(self._private, Ed25519PrivateKey):
            return self._private.sign(message)
        encoded = self._private.sign(message, ECDSA(SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(encoded)
        return low_s(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def sample_document() -> dict[str, Any]:
    """Return the durian certificate of the sample documents as an import."""
    documents: list[dict[str, Any]] = json.loads(_SAMPLES.read_text("utf-8"))["documents"]
    return documents[0]


def make_certificate(
    document: dict[str, Any] | None = None, *, withhold: Collection[str] = ()
) -> ResolvedCertificate:
    """Return an issued certificate, or the view of it that withholds some paths."""
    prepared = parse_document(document or sample_document())
    issued = issue_certificate(
        prepared,
        issuer=IssuerInfo(party="CN", did=DID, name="Demo Customs Technology Centre"),
        status=StatusEntry(list_number=0, index=48213),
        credential_id=CERTIFICATE_ID,
        issued_at=CERTIFICATE_ISSUED_AT,
        salts=shake_256(b"salts of an example").digest(prepared.template.salt_bytes),
        signer=FixedSigner(number=2),
    )
    certificate = resolve_certificate(parse_certificate(issued.compact))
    if not withhold:
        return certificate
    view = make_view(certificate, withhold)
    return resolve_certificate(parse_certificate(view.compact))


def make_claims(destination: str | None = None) -> SummaryClaims:
    """Return the summary of that certificate."""
    return summary_of(make_certificate(), issued_at=ISSUED_AT, destination=destination)
