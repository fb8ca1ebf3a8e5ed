"""The example certificate, view and release statement, and tokens that must be refused.

Everything follows from fixed keys, fixed salts and the sample documents, so that every run writes
the same bytes; `gen_format_examples.py` writes them down.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from tests.support.certificates import CREDENTIAL_ID, STATUS, sample_documents, sample_issuer
from tests.support.sm2_reference import FixedSm2Signer
from tests.support.summaries import FixedSigner
from verifier.core.certificate import (
    CTY,
    TYP,
    IssuedCertificate,
    IssuerInfo,
    issue_certificate,
    join_compact,
    parse_certificate,
)
from verifier.core.cosignature import CoSignature, co_sign
from verifier.core.disclosures import SALT_BYTES
from verifier.core.document import parse_document
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.jws import sign_compact
from verifier.core.keys import P256_ORDER, Algorithm
from verifier.core.release import ReleaseClaims, ReleaseStatement, issue_release
from verifier.core.strict_json import canonical_json
from verifier.core.views import ResolvedCertificate, View, make_view, resolve_certificate

ISSUED_AT: Final = 1_789_462_800  # 2026-09-15T09:00:00Z
CERTIFICATE_KEY: Final = FixedSigner(number=2)
STATEMENT_KEY: Final = FixedSigner(number=4)
CO_KEY: Final = FixedSm2Signer(2)
EDDSA_KEY: Final = FixedSigner(Algorithm.EDDSA, number=2)
WITHHELD: Final = ("consignment.lot_no", "results.2.detail", "signatory.id")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """One document from its import to the release of a view."""

    document: Json
    issuer: IssuerInfo
    salts: bytes
    issued: IssuedCertificate
    whole: ResolvedCertificate
    view: View
    statement: ReleaseStatement


def example() -> Example:
    """Return the example of the document: a short test certificate with two results."""
    document = short_document()
    issued, salts = issue(document)
    whole = resolve_certificate(parse_certificate(issued.compact))
    view = make_view(whole, WITHHELD)
    claims = ReleaseClaims(
        issued_at=ISSUED_AT + 600,
        party=whole.parsed.credential.party,
        body=whole.parsed.credential.body,
        leaf=whole.parsed.leaf,
        destination="TH",
        withheld=view.withheld,
        grounds=("demo-list/7", "demo-list/9"),
        released=view.released,
    )
    statement = issue_release(claims, STATEMENT_KEY)
    return Example(document, sample_issuer(document), salts, issued, whole, view, statement)


def short_document() -> Json:
    """Return the tin sample cut to what shows every rule once."""
    document = sample_documents()[2]
    document["languages"] = ["en", "zh"]
    document["consignment"] = {
        "description": {"en": "Refined tin ingot Sn99.90A", "zh": "锡锭 Sn99.90A"},
        "hs_code": "8001.10.00",
        "hs_edition": "HS 2022",
        "lot_no": "SN-26-0911",
    }
    document["replaces"]["changed"] = ["consignment.net_mass", "dates.issued"]
    document["results"] = document["results"][:2]
    for name in ("customer", "sampling", "statements"):
        del document[name]
    return document


def co_signed(shown: Example) -> tuple[IssuedCertificate, CoSignature]:
    """Return the example document as a certificate with a co-signature."""
    issued, _ = issue(shown.document, co_signature="SM2-SM3")
    return issued, co_sign(issued.jwt, CO_KEY)


def issue(
    document: Json, signer: FixedSigner = CERTIFICATE_KEY, *, co_signature: str = "none"
) -> tuple[IssuedCertificate, bytes]:
    """Issue a document with salts that follow from its number; return them as well."""
    checked = parse_document(document)
    salts = hashlib.shake_128(checked.number.encode()).digest(checked.template.salt_bytes)
    issued = issue_certificate(
        checked,
        issuer=sample_issuer(document),
        status=STATUS,
        credential_id=CREDENTIAL_ID,
        issued_at=ISSUED_AT,
        salts=salts,
        signer=signer,
        co_signature=co_signature,
    )
    return issued, salts


def vectors(shown: Example) -> Json:
    """Return what every implementation must issue, read and derive as the same."""
    samples = [(each, CERTIFICATE_KEY) for each in [shown.document, *sample_documents()]]
    samples.append((shown.document, EDDSA_KEY))
    return {
        "note": "DEMONSTRATION. The private keys are the numbers 2 (certificates) and 4 (release).",
        "issued_at": ISSUED_AT,
        "credential_id": CREDENTIAL_ID,
        "status": {"list": STATUS.list_number, "index": STATUS.index},
        "salt_bytes": SALT_BYTES,
        "certificates": [certificate_vector(each, signer) for each, signer in samples],
        "view": {
            "of": 0,
            "withhold": [*WITHHELD],
            "compact": shown.view.compact,
            "withheld": [*shown.view.withheld],
            "released": b64u(shown.view.released),
        },
        "release": {
            "key": dict(STATEMENT_KEY.public_key.jwk()),
            "token": shown.statement.jws.text,
            "leaf": b64u(shown.statement.leaf),
        },
        "co_signature": co_signature_vector(shown),
    }


def co_signature_vector(shown: Example) -> Json:
    """Return the co-signed example with everything that follows from it."""
    issued, co_signature = co_signed(shown)
    return {
        "note": "DEMONSTRATION. The private key is 0x1002.",
        "compact": issued.compact,
        "certificate_leaf": b64u(issued.leaf),
        "key": {"alg": CO_KEY.algorithm.value, **CO_KEY.public_key.jwk()},
        "thumbprint": b64u(CO_KEY.thumbprint),
        "co_signature": co_signature.text,
        "leaf": b64u(co_signature.leaf),
    }


def certificate_vector(document: Json, signer: FixedSigner) -> Json:
    """Return one document with everything that follows from it."""
    issued, salts = issue(document, signer)
    resolved = resolve_certificate(parse_certificate(issued.compact))
    issuer = sample_issuer(document)
    return {
        "document": document,
        "issuer": {"party": issuer.party, "did": issuer.did, "name": issuer.name},
        "body": issuer.body.hex(),
        "key": {"alg": signer.algorithm.value, **signer.public_key.jwk()},
        "thumbprint": b64u(signer.thumbprint),
        "salts": salts.hex(),
        "paths": [*issued.paths],
        "compact": issued.compact,
        "leaf": b64u(issued.leaf),
        "report_document": resolved.report_document(),
    }


def refused(shown: Example) -> list[Json]:
    """Return tokens with the reason for which they must be refused.

    The reason `bad_signature` is no error of the format: the token is well formed, and its
    signature does not hold.
    """
    jwt, disclosures = shown.issued.jwt, list(shown.issued.disclosures)
    header, payload, signature = jwt.split(".")
    raw = unb64u(signature, what="signature")
    s = int.from_bytes(raw[32:])
    high = b64u(raw[:32] + (P256_ORDER - s).to_bytes(32))
    cases = {
        "no tilde at the end": jwt,
        "a key binding": f"{jwt}~{jwt}",
        "a padded payload": join_compact(f"{header}.{payload}=.{signature}", disclosures),
        "a disclosure twice": join_compact(jwt, [*disclosures, disclosures[0]]),
        "a disclosure of nothing": join_compact(jwt, [*disclosures, b64u(b'["s","a",1]')]),
        "a disclosure that is no JSON": join_compact(jwt, [b64u(b"{"), *disclosures]),
        "the higher s": join_compact(f"{header}.{payload}.{high}", disclosures),
        **{name: changed(shown, path, value) for name, (path, value) in _CHANGES.items()},
        **{name: other_header(shown, members) for name, members in _HEADERS.items()},
    }
    return [{"name": name, "token": text, "reason": _reason(text)} for name, text in cases.items()]


def changed(shown: Example, path: str, value: Any) -> str:
    """Return the certificate signed again after one change of its payload."""
    payload: Json = json.loads(unb64u(shown.issued.jwt.split(".")[1], what="payload"))
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    node: Any = payload
    for part in parents:
        node = node[part]
    node[last] = value
    jwt = sign_compact(canonical_json(payload), CERTIFICATE_KEY, typ=TYP, cty=CTY)
    return join_compact(jwt, shown.issued.disclosures)


def other_header(shown: Example, members: Json) -> str:
    """Return the certificate signed again under a header with other members."""
    kid = b64u(CERTIFICATE_KEY.thumbprint)
    usual = {"alg": "ES256", "cty": CTY, "kid": kid, "typ": TYP}
    header = b64u(canonical_json(usual | members))
    signed = f"{header}.{shown.issued.jwt.split('.')[1]}"
    signature = b64u(CERTIFICATE_KEY.sign(signed.encode()))
    return join_compact(f"{signed}.{signature}", shown.issued.disclosures)


_CHANGES: Final[dict[str, tuple[str, Any]]] = {
    "a failed result under a pass": ("credentialSubject/results/1/conclusion", "fail"),
    "a failure without a failed result": ("credentialSubject/conclusion", "fail"),
    "an ordinal twice": ("credentialSubject/results/1/ordinal", 1),
    "digests out of order": ("credentialSubject/consignment/_sd", ["B" * 43, "A" * 43]),
    "a body that is not that of party and did": ("issuer/body", "00" * 32),
    "an unknown member": ("credentialSubject/colour", "red"),
    "a later version": ("@context/2", "https://lancang.example/ns/evidence/2"),
    "another credential": ("@context", ["https://www.w3.org/ns/credentials/v2"]),
    "dates that disagree": ("validFrom", "2026-09-15T00:00:00Z"),
    "a status entry of another index": ("credentialStatus/statusListIndex", "48214"),
}
_HEADERS: Final[dict[str, Json]] = {
    "crit": {"crit": ["exp"]},
    "an embedded key": {"jwk": CERTIFICATE_KEY.public_key.jwk()},
    "no algorithm": {"alg": "none"},
    "the algorithm of another key": {"alg": "EdDSA"},
    "another type": {"typ": "JWT"},
}


def _reason(text: str) -> str:
    try:
        resolved = resolve_certificate(parse_certificate(text))
    except MalformedEvidenceError as error:
        return error.reason
    if resolved.parsed.jws.signed_by(CERTIFICATE_KEY.public_key):
        raise AssertionError("a token that must be refused is accepted")
    return "bad_signature"
