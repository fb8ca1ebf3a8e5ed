"""A signer with a fixed key, the resolved view of a certificate, and its summary."""

from __future__ import annotations

from copy import deepcopy
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

from verifier.core.hashing import leaf_digest
from verifier.core.ids import body_id
from verifier.core.keys import Algorithm, PublicKey, low_s
from verifier.core.summary import SummaryClaims, summary_of

DID: Final = "did:web:demo-km.lancang.example"
BODY: Final = body_id("CN", DID)
LEAF: Final = leaf_digest(b"header.payload.signature")
ISSUED_AT: Final = 1_770_804_600


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


_VIEW: Final[dict[str, Any]] = {
    "type": ["VerifiableCredential", "DigitalConformityCredential", "TestCertificate"],
    "id": "urn:uuid:3f2b7e1c-90ad-4c55-8e6b-1d2f3a4b5c6d",
    "issuer": {"id": DID, "name": "Demo Customs Technology Centre", "party": "CN"},
    "iat": 1_770_804_300,
    "validFrom": "2026-02-11T10:05:00Z",
    "credentialStatus": {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "48213",
    },
    "credentialSubject": {
        "number": "DEMO-KM-2026-0081060-000123",
        "demonstration": True,
        "languages": ["zh", "en"],
        "conclusion": "pass",
        "consignment": {
            "hs_code": "0810.60.00",
            "origin": "TH",
            "container_no": "DEMU1234560",
            "lot_no": "MT-2026-0210",
            "description": {
                "zh": "鲜榴莲",
                "en": "Fresh durian, Durio zibethinus Murr., cv. Monthong",
            },
            "net_mass": {"value": "18240", "unit": "kg"},
        },
        "results": [
            {"ordinal": number, "conclusion": "pass", "accredited": number != 3}
            for number in range(1, 8)
        ],
        "contents": [
            f"consignment.{name}"
            for name in ("container_no", "description", "hs_code", "lot_no", "net_mass", "origin")
        ],
    },
}


def make_view() -> dict[str, Any]:
    """Return the resolved payload of the durian certificate with everything disclosed."""
    view = deepcopy(_VIEW)
    urn = f"urn:lancang:status:{BODY.hex()}:0"
    view["issuer"]["body"] = BODY.hex()
    view["credentialStatus"] |= {"id": f"{urn}#48213", "statusListCredential": urn}
    return view


def make_claims(destination: str | None = None) -> SummaryClaims:
    """Return the summary of that certificate."""
    return summary_of(make_view(), leaf=LEAF, issued_at=ISSUED_AT, destination=destination)
