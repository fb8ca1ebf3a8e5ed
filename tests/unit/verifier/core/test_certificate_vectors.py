"""The project's own vectors, as another implementation would read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.summaries import FixedSigner
from verifier.core.certificate import IssuerInfo, issue_certificate, parse_certificate
from verifier.core.document import parse_document
from verifier.core.encoding import b64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.ids import StatusEntry
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.release import parse_release, release_mismatch
from verifier.core.views import make_view, resolve_certificate

VECTORS: Final = Path(__file__).parents[3] / "vectors" / "evidence-certificate"
EXAMPLES: Final[dict[str, Any]] = json.loads((VECTORS / "examples.json").read_text("utf-8"))
REFUSED: Final[list[dict[str, str]]] = json.loads((VECTORS / "refused.json").read_text("utf-8"))
CERTIFICATES: Final[list[dict[str, Any]]] = EXAMPLES["certificates"]


def key_of(vector: dict[str, Any]) -> PublicKey:
    jwk = {name: value for name, value in vector["key"].items() if name != "alg"}
    return PublicKey.from_jwk(jwk)


def name_of(vector: dict[str, Any]) -> str:
    return f"{vector['document']['number']} {vector['key']['alg']}"


@pytest.mark.parametrize("vector", CERTIFICATES, ids=name_of)
def test_the_same_inputs_give_the_same_bytes(vector: dict[str, Any]) -> None:
    issuer = IssuerInfo(**vector["issuer"])
    issued = issue_certificate(
        parse_document(vector["document"]),
        issuer=issuer,
        status=StatusEntry(
            list_number=EXAMPLES["status"]["list"], index=EXAMPLES["status"]["index"]
        ),
        credential_id=EXAMPLES["credential_id"],
        issued_at=EXAMPLES["issued_at"],
        salts=bytes.fromhex(vector["salts"]),
        signer=FixedSigner(Algorithm(vector["key"]["alg"]), number=2),
    )

    assert issuer.body.hex() == vector["body"]
    assert list(issued.paths) == vector["paths"]
    assert b64u(issued.leaf) == vector["leaf"]
    assert issued.compact == vector["compact"]


@pytest.mark.parametrize("vector", CERTIFICATES, ids=name_of)
def test_the_bytes_are_read_as_they_were_meant(vector: dict[str, Any]) -> None:
    resolved = resolve_certificate(parse_certificate(vector["compact"]))

    assert resolved.complete
    assert resolved.parsed.jws.signed_by(key_of(vector))
    assert b64u(resolved.parsed.jws.thumbprint) == vector["thumbprint"]
    assert b64u(resolved.parsed.leaf) == vector["leaf"]
    assert resolved.report_document() == vector["report_document"]


def test_the_view_and_its_release() -> None:
    view, release = EXAMPLES["view"], EXAMPLES["release"]
    whole = resolve_certificate(parse_certificate(CERTIFICATES[view["of"]]["compact"]))
    made = make_view(whole, view["withhold"])
    statement = parse_release(release["token"])

    assert made.compact == view["compact"]
    assert list(made.withheld) == view["withheld"]
    assert b64u(made.released) == view["released"]
    assert statement.jws.signed_by(PublicKey.from_jwk(release["key"]))
    assert b64u(statement.leaf) == release["leaf"]
    shown = resolve_certificate(parse_certificate(view["compact"]))
    assert release_mismatch(statement.claims, shown) is None


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector["name"])
def test_what_must_be_refused_is_refused_for_its_reason(vector: dict[str, str]) -> None:
    try:
        resolved = resolve_certificate(parse_certificate(vector["token"]))
    except MalformedEvidenceError as error:
        assert error.reason == vector["reason"]  # noqa: PT017  (no error is an outcome too)
    else:
        assert vector["reason"] == "bad_signature"
        assert not resolved.parsed.jws.signed_by(key_of(CERTIFICATES[0]))
