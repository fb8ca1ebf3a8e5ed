"""Train a dictionary for packed certificates: `python -m scripts.train_dictionary NUMBER`.

A dictionary that was used is never trained again: what was packed with it needs its exact bytes.
A better one gets the next number.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import uuid
from collections.abc import Iterator
from typing import Any, Final

import zstandard

from registry.certificates.packing import Known, SignedContent, frame_text
from registry.certificates.packing_dictionaries import path_of
from tests.support.certificates import SIGNER, issue_sample
from tests.support.varied_documents import varied_documents
from verifier.core.certificate import parse_certificate
from verifier.core.offline_code import issue_summary
from verifier.core.summary import summary_of
from verifier.core.views import resolve_certificate

DOCUMENTS: Final = 2000
SEED: Final = 1  # those who measure take another
BYTES: Final = 64 * 1024


def content_of(document: dict[str, Any]) -> tuple[SignedContent, Known]:
    """Return a document as it is signed, and what the database tells of it besides."""
    issued = issue_sample(document)
    resolved = resolve_certificate(parse_certificate(issued.compact))
    claims = summary_of(resolved, issued_at=resolved.parsed.credential.issued_at)
    credential = resolved.parsed.credential
    content = SignedContent(
        jwt=issued.jwt,
        disclosures=issued.disclosures,
        body_alias=document["issuer"]["body"],
        summary=issue_summary(claims, SIGNER).message,
    )
    known = Known(
        certificate_id=str(uuid.UUID(credential.credential_id.removeprefix("urn:uuid:"))),
        body=credential.body,
        key=resolved.parsed.jws.thumbprint,
    )
    return content, known


def samples() -> Iterator[bytes]:
    """Yield what the frames of the training documents hold."""
    for document in varied_documents(DOCUMENTS, seed=SEED):
        yield frame_text(*content_of(document))


def main() -> None:
    """Train one and write it, unless there is one of that number."""
    path = path_of(int(sys.argv[1]))
    if path.exists():
        sys.exit(f"{path} exists; a dictionary is never trained twice")
    trained = zstandard.train_dictionary(BYTES, list(samples()), level=3)
    data = trained.as_bytes()
    stored = {
        "base64": base64.b64encode(data).decode(),
        "number": int(sys.argv[1]),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    path.write_text(json.dumps(stored, indent=1) + "\n", "ascii")
    sys.stdout.write(f"{path}: {len(trained)} bytes\n")


if __name__ == "__main__":
    main()
