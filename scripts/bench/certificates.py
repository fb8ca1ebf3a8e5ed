"""Issuing and verifying a certificate of 25 disclosures, beside a bare signature and `sd-jwt`."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from scripts.bench.figure import Figure, compared
from tests.support.certificates import ISSUED_AT, STATUS, sample_documents, sample_issuer
from tests.support.evidence_builders import World, durian, trust_profile
from verifier.core.certificate import issue_certificate, parse_certificate
from verifier.core.document import parse_document
from verifier.core.keys import Algorithm, PublicKey, low_s
from verifier.core.merkle import Tree, root_from_path
from verifier.core.views import ResolvedCertificate, resolve_certificate
from verifier.service import Submission
from verifier.service import verify as verify_submission

DISCLOSURES: Final = 25
BATCH: Final = 4096
_TIMES: Final = 60


class BareSigner:
    """An ES256 key in this process: what every figure here pays at least."""

    def __init__(self) -> None:
        self.private = generate_private_key(SECP256R1())
        numbers = self.private.public_key().public_numbers()
        self.public = PublicKey(Algorithm.ES256, numbers.x.to_bytes(32) + numbers.y.to_bytes(32))
        self.algorithm = Algorithm.ES256
        self.thumbprint = self.public.thumbprint()

    def sign(self, message: bytes) -> bytes:
        """Return the raw low-s signature over `message`."""
        r, s = decode_dss_signature(self.private.sign(message, ECDSA(SHA256())))
        return low_s(r.to_bytes(32) + s.to_bytes(32))


def measure() -> list[Figure]:
    """Return issuing and offline verification beside their peers."""
    signer = BareSigner()
    source = _document()
    document = parse_document(source)
    issuer = sample_issuer(source)

    def issue() -> Any:
        return issue_certificate(
            document, issuer=issuer, status=STATUS, issued_at=ISSUED_AT, signer=signer,
            credential_id="urn:uuid:3f2b7e1c-90ad-4c55-8e6b-1d2f3a4b5c6d",
            salts=secrets.token_bytes(document.template.salt_bytes),
        )  # fmt: skip

    issued = issue()
    leaves = b"".join([issued.leaf, *(os.urandom(32) for _ in range(BATCH - 1))])
    tree = Tree.build(leaves)
    proof = tree.proof(0)

    def verify() -> ResolvedCertificate:
        parsed = parse_certificate(issued.compact)
        resolved = resolve_certificate(parsed)
        root = root_from_path(parsed.leaf, index=proof.index, size=proof.size, path=proof.path)
        if not (parsed.jws.signed_by(signer.public) and resolved.complete and root == tree.root):
            raise AssertionError("the measured certificate does not verify")
        return resolved

    signing_input = issued.jwt.rpartition(".")[0].encode()
    signature = signer.sign(signing_input)
    peer_issue, peer_verify = _sd_jwt(json.loads(json.dumps(source["results"])))
    pairs = {
        "issue": (issue, lambda: signer.sign(signing_input), 3.0, "one ES256 signature"),
        "issue beside sd-jwt": (issue, peer_issue, None, "sd-jwt 0.10.4"),
        "check and issue from JSON": (
            lambda: (parse_document(_fresh(source)), issue()), lambda: signer.sign(signing_input),
            None, "one ES256 signature",
        ),
        "verify offline (disclosures, signature, 12-node path)": (
            verify, lambda: signer.public.verify(signature, signing_input), 3.0,
            "one ES256 verification",
        ),
        "verify offline and decode every field": (
            lambda: dict(verify().fields),
            lambda: signer.public.verify(signature, signing_input), None, "one ES256 verification",
        ),
        "verify beside sd-jwt": (
            lambda: dict(verify().fields), peer_verify, None, "sd-jwt 0.10.4",
        ),
    }  # fmt: skip
    figures = []
    for part, (ours, peer, goal, name) in pairs.items():
        mine, theirs = compared(ours, peer, times=_TIMES)
        figures.append(
            Figure(part=f"{part}, {DISCLOSURES} disclosures", ours=mine * 1e6, peer=theirs * 1e6,
                   peer_name=name, unit="µs CPU", goal=goal)
        )  # fmt: skip
    return figures + _service(lambda: signer.public.verify(signature, signing_input))


def _service(peer: Callable[[], object]) -> list[Figure]:
    """Return the whole service call, answers of chain and registry in memory, without a goal.

    The document is the full sample, so it has more disclosures than the one above.
    """
    world, profile = World(), trust_profile(demonstration=True)
    evidence = world.issue(durian())
    forms = {
        "certificate alone": Submission(token=evidence.sdjwt),
        "certificate with receipt": evidence.submission(),
    }
    figures = []
    for form, submission in forms.items():

        def ours(submission: Submission = submission) -> object:
            return verify_submission(
                submission, world.question(), profile=profile, source=world.source
            )

        mine, theirs = compared(ours, peer, times=_TIMES)
        figures.append(
            Figure(part=f"whole service call, {form}", ours=mine * 1e6, peer=theirs * 1e6,
                   peer_name="one ES256 verification", unit="µs CPU")
        )  # fmt: skip
    return figures


def _document() -> dict[str, Any]:
    """Return the durian sample cut to 25 disclosures."""
    document = sample_documents()[0]
    for holder, names in {
        "consignment": ("ics", "orchard_code", "packing_house_code", "entry_point", "packages",
                        "export_country"),
        "sampling": ("condition", "location", "plan", "seal_no", "standard", "date", "sampled_by"),
        "dates": ("received",),
        "issuer": ("location",),
    }.items():  # fmt: skip
        for name in names:
            document[holder].pop(name, None)
    document.pop("statements", None)
    count = len(parse_document(document).template.paths)
    if count != DISCLOSURES:
        raise AssertionError(f"the measured document has {count} disclosures")
    return document


def _fresh(source: dict[str, Any]) -> Any:
    return json.loads(json.dumps(source))


def _sd_jwt(results: list[dict[str, Any]]) -> tuple[Any, Any]:
    """Return issuing and verifying of a token with as many disclosures by the `sd-jwt` package."""
    key = JWK.generate(kty="EC", crv="P-256")
    claims: dict[Any, Any] = {
        SDObj(f"field{number}"): results[number % len(results)] for number in range(DISCLOSURES)
    }
    claims |= {"iss": "did:web:demo.example", "iat": int(time.time())}
    public = JWK.from_json(key.export_public())

    def issue() -> str:
        return str(SDJWTIssuer(claims, key, add_decoy_claims=False).sd_jwt_issuance)

    token = issue()
    return issue, lambda: SDJWTVerifier(token, lambda _issuer, _header: public)
