"""The examples of RFC 9901; tests/vectors/rfc9901/README.md says where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from verifier.core.disclosures import digest_of
from verifier.core.encoding import b64u, unb64u
from verifier.core.keys import PublicKey, low_s
from verifier.core.sd_jwt import resolve
from verifier.core.strict_json import parse_json_object

VECTORS: Final = json.loads(
    (Path(__file__).parents[3] / "vectors" / "rfc9901" / "examples.json").read_text("utf-8")
)
EXAMPLES: Final[list[dict[str, str]]] = VECTORS["disclosures"]
ISSUED: Final[dict[str, Any]] = VECTORS["issued"]


def of_section(section: str) -> list[str]:
    return [each["disclosure"] for each in EXAMPLES if each["section"] == section]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["contents"][26:50])
def test_disclosures_and_digests(example: dict[str, str]) -> None:
    assert b64u(example["contents"].encode()) == example["disclosure"]
    assert digest_of(example["disclosure"]) == example["digest"]


def test_the_issued_example_resolves_to_the_claims_of_the_example() -> None:
    payload = parse_json_object(unb64u(ISSUED["payload"], what="payload"), what="payload")

    resolved = resolve(payload, of_section("5.1"))

    assert {name: resolved.claims[name] for name in ("family_name", "updated_at")} == {
        "family_name": "Doe",
        "updated_at": 1570000000,
    }
    assert resolved.claims["nationalities"] == ["US", "DE"]
    assert resolved.claims["phone_number_verified"] is True
    assert resolved.claims["address"] == {
        "street_address": "123 Main St",
        "locality": "Anytown",
        "region": "Anystate",
        "country": "US",
    }
    assert "_sd" not in resolved.claims
    assert "_sd_alg" not in resolved.claims
    assert not resolved.undisclosed


def test_the_issued_example_is_signed_with_the_higher_s() -> None:
    key = PublicKey.from_jwk(ISSUED["key"])
    signing_input = f"{ISSUED['header']}.{ISSUED['payload']}".encode()
    signature = unb64u(ISSUED["signature"], what="signature", length=64)

    assert not key.verify(signature, signing_input)
    assert key.verify(low_s(signature), signing_input)


def test_recursive_disclosures_of_an_address() -> None:
    outer = next(each for each in EXAMPLES if each["section"] == "6.3")
    payload: Any = {"_sd": [outer["digest"]], "_sd_alg": "sha-256"}

    whole = resolve(payload, [outer["disclosure"], *of_section("6.2")])
    part = resolve(payload, [outer["disclosure"], of_section("6.2")[2]])

    assert whole.claims["address"] == {
        "street_address": "Schulstr. 12",
        "locality": "Schulpforta",
        "region": "Sachsen-Anhalt",
        "country": "DE",
    }
    assert part.claims["address"] == {"region": "Sachsen-Anhalt"}
    assert len(part.undisclosed[("address",)]) == 3
