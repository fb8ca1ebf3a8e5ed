"""What is generated from the code is current, and the published schemas agree with the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from scripts.gen_format_examples import DOCUMENT, generated
from tests.support.certificates import issue_sample, sample_documents
from verifier.core.certificate import parse_certificate
from verifier.core.document import validate_document
from verifier.core.release import parse_release
from verifier.core.strict_json import parse_json_object
from verifier.core.views import resolve_certificate

DOCS: Final = Path(__file__).parents[3] / "docs"
SAMPLES: Final = sample_documents()
VECTORS: Final = Path(__file__).parents[2] / "vectors" / "evidence-certificate"


def schema(name: str) -> Any:
    loaded = json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(loaded)
    return jsonschema.Draft202012Validator(loaded)


def test_every_generated_file_is_current() -> None:
    for path, text in generated().items():
        assert path.read_text("utf-8") == text, f"run scripts/gen_format_examples.py: {path.name}"


def test_the_document_quotes_every_reason_that_the_code_gives() -> None:
    text = DOCUMENT.read_text("utf-8")
    refused = json.loads((VECTORS / "refused.json").read_text("utf-8"))
    for each in refused:
        if each["reason"] != "bad_signature":
            assert f"`{each['reason']}`" in text, each["reason"]


@pytest.mark.parametrize("document", SAMPLES, ids=lambda each: each["number"])
def test_schemas_accept_the_samples(document: dict[str, Any]) -> None:
    resolved = resolve_certificate(parse_certificate(issue_sample(document).compact))

    schema("import").validate(document)
    schema("credential").validate(resolved.claims)


@pytest.mark.parametrize("document", SAMPLES, ids=lambda each: each["number"])
def test_the_credential_schema_accepts_the_barest_view(document: dict[str, Any]) -> None:
    bare = resolve_certificate(parse_certificate(issue_sample(document).jwt + "~"))

    schema("credential").validate(bare.claims)
    assert not schema("credential").is_valid({**bare.claims, "colour": "red"})


def test_the_release_schema_accepts_the_example() -> None:
    vectors = json.loads((VECTORS / "examples.json").read_text("utf-8"))
    payload = parse_json_object(parse_release(vectors["release"]["token"]).jws.payload, what="it")

    schema("release").validate(payload)
    assert not schema("release").is_valid({**payload, "grounds": []})


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("number", ""), ("revision", 0), ("results", []), ("colour", 1), ("languages", ["zh", "zh"])],
)
def test_import_schema_and_code_refuse_the_same_shapes(pointer: str, value: Any) -> None:
    document = {**SAMPLES[0], pointer: value}

    assert validate_document(document)
    assert not schema("import").is_valid(document)


def names(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return the path of every member, positions of arrays left out."""
    found: set[tuple[str, ...]] = set()
    if isinstance(value, list):
        for each in value:
            found |= names(each, path)
    elif isinstance(value, dict):
        for name, each in value.items():
            found |= {(*path, name)} | names(each, (*path, name))
    return found


# Terms of the contexts of W3C and UNTP that a payload of ours uses.
FOREIGN: Final = {
    "@context", "type", "id", "issuer", "name", "validFrom", "validUntil", "credentialStatus",
    "credentialSchema", "credentialSubject", "attestationType",
}  # fmt: skip


def defined(context: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Tell whether a context names the member at `path`, or leaves what is inside to itself."""
    scope = context
    for name in path:
        term = scope.get(name)
        if term is None:
            return False
        if isinstance(term, dict) and (
            term.get("@container") == "@language" or term.get("@type") == "@json"
        ):
            return True
        scope = term.get("@context", {}) if isinstance(term, dict) else {}
    return True


@pytest.mark.parametrize("document", SAMPLES, ids=lambda each: each["number"])
def test_the_context_names_every_term(document: dict[str, Any]) -> None:
    context = json.loads((DOCS / "contexts" / "evidence-1.json").read_text("utf-8"))["@context"]
    claims: Any = resolve_certificate(parse_certificate(issue_sample(document).compact)).claims

    assert "@vocab" not in context
    subject = claims.pop("credentialSubject")
    for path in names(subject):
        assert path[0] in FOREIGN or defined(context, path), path
    outer = names({name: claims[name] for name in claims if name not in FOREIGN})
    outer |= {path for path in names(claims["issuer"]) if path[0] not in FOREIGN}
    assert all(defined(context, path) for path in outer), outer
