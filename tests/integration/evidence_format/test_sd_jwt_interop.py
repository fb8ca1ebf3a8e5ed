"""The test cases of the SD-JWT reference package, both ways (tests/vectors/sd_jwt/README.md)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.utils.yaml_specification import load_yaml_specification
from sd_jwt.verifier import SDJWTVerifier

from tests.support.summaries import FixedSigner
from verifier.core.disclosures import DisclosureError
from verifier.core.encoding import unb64u
from verifier.core.jws import sign_compact
from verifier.core.sd_jwt import Disclosable, issue, resolve
from verifier.core.strict_json import JsonObject, canonical_json

CASES: Final = sorted(
    path.parent for path in (Path(__file__).parents[2] / "vectors" / "sd_jwt").glob("*/*.yml")
)
WITH_FRACTIONS: Final = {"array_data_types", "object_data_types"}
SIGNER: Final = FixedSigner()
PUBLIC: Final = JWK.from_json(json.dumps(SIGNER.public_key.jwk()))


def load(case: Path) -> dict[str, Any]:
    specification: dict[str, Any] = load_yaml_specification(case / "specification.yml")
    return specification


def marked(value: object) -> Any:
    """Return a tree with our marks in the place of those of the package, fractions left out."""
    if isinstance(value, SDObj):
        return Disclosable(marked(value.value))
    if isinstance(value, dict):
        return {
            name.value if isinstance(name, SDObj) else name: (
                Disclosable(marked(inner)) if isinstance(name, SDObj) else marked(inner)
            )
            for name, inner in value.items()
            if not isinstance(inner, float)
        }
    if isinstance(value, list):
        return [marked(inner) for inner in value if not is_fraction(inner)]
    return value


def is_fraction(value: object) -> bool:
    return isinstance(value.value if isinstance(value, SDObj) else value, float)


def without_fractions(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: without_fractions(inner)
            for name, inner in value.items()
            if not isinstance(inner, float)
        }
    if isinstance(value, list):
        return [without_fractions(inner) for inner in value if not isinstance(inner, float)]
    return value


def count_marks(value: object) -> int:
    if isinstance(value, Disclosable):
        return 1 + count_marks(value.value)
    if isinstance(value, dict):
        return sum(map(count_marks, value.values()))
    return sum(map(count_marks, value)) if isinstance(value, list) else 0


def test_there_are_all_cases() -> None:
    assert len(CASES) == 17
    assert {case.name for case in CASES} > WITH_FRACTIONS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_package_resolves_what_we_issue(case: Path) -> None:
    claims = marked(load(case)["user_claims"])
    salts = hashlib.shake_128(case.name.encode()).digest(16 * count_marks(claims))
    issued = issue(claims, salts=salts)
    jwt = sign_compact(canonical_json(issued.payload), SIGNER, typ="example+sd-jwt")

    verifier = SDJWTVerifier(
        "~".join([jwt, *issued.disclosures, ""]), lambda _issuer, _header: PUBLIC
    )

    expected = resolve(issued.payload, issued.disclosures).claims
    assert verifier.get_verified_payload() == expected
    assert expected == without_marks(claims)


def without_marks(value: Any) -> Any:
    if isinstance(value, Disclosable):
        return without_marks(value.value)
    if isinstance(value, dict):
        return {name: without_marks(inner) for name, inner in value.items()}
    return [without_marks(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_we_resolve_what_the_package_issues(case: Path) -> None:
    specification = load(case)
    key = JWK.generate(kty="EC", crv="P-256")
    issuer = SDJWTIssuer(specification["user_claims"], key)
    holder = SDJWTHolder(issuer.sd_jwt_issuance)
    holder.create_presentation(specification["holder_disclosed_claims"])
    jwt, *disclosures, last = holder.sd_jwt_presentation.split("~")
    assert last == ""
    payload: JsonObject = json.loads(unb64u(jwt.split(".")[1], what="payload"))
    expected = specification["expect_verified_user_claims"]

    if case.name in WITH_FRACTIONS:
        # Binary fractions are refused, in the disclosure that holds one.
        with pytest.raises(DisclosureError, match="not an integer"):
            resolve(payload, disclosures)
        disclosures = [text for text in disclosures if b"3.14]" not in unb64u(text, what="it")]
    assert resolve(payload, disclosures).claims == without_fractions(expected)
