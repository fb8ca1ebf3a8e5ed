"""Certificates issued from the sample documents with fixed keys, salts and times."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from tests.support.summaries import FixedSigner
from verifier.core.certificate import IssuedCertificate, IssuerInfo, issue_certificate
from verifier.core.document import parse_document
from verifier.core.ids import StatusEntry
from verifier.core.keys import Signer

SAMPLES: Final = Path(__file__).parents[2] / "examples" / "sample_documents.json"
ISSUED_AT: Final = 1_795_286_400  # 2026-11-21T18:40:00Z
CREDENTIAL_ID: Final = "urn:uuid:3f2b7e1c-90ad-4c55-8e6b-1d2f3a4b5c6d"
STATUS: Final = StatusEntry(list_number=0, index=48213)
SIGNER: Final = FixedSigner()


def sample_documents() -> list[dict[str, Any]]:
    """Return fresh copies of the sample documents: durian, cement, tin, inspection record."""
    documents: list[dict[str, Any]] = deepcopy(_DATA["documents"])
    return documents


def sample_issuer(document: dict[str, Any]) -> IssuerInfo:
    """Return the demonstration body that a sample document names."""
    body = next(each for each in _DATA["bodies"] if each["id"] == document["issuer"]["body"])
    return IssuerInfo(party=body["party"], did=body["did"], name=body["name"]["en"])


def fixed_salts(count: int) -> bytes:
    """Return `count` bytes that look random and are the same in every run."""
    return hashlib.shake_128(b"demonstration salts").digest(count)


def issue_sample(
    document: dict[str, Any], *, signer: Signer = SIGNER, issued_at: int = ISSUED_AT
) -> IssuedCertificate:
    """Issue a sample document; two calls give the same bytes."""
    checked = parse_document(document)
    return issue_certificate(
        checked,
        issuer=sample_issuer(document),
        status=STATUS,
        credential_id=CREDENTIAL_ID,
        issued_at=issued_at,
        salts=fixed_salts(checked.template.salt_bytes),
        signer=signer,
    )


_DATA: Final[dict[str, Any]] = json.loads(SAMPLES.read_text(encoding="utf-8"))
