from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.certificates import (
    CREDENTIAL_ID,
    ISSUED_AT,
    SIGNER,
    STATUS,
    fixed_salts,
    issue_sample,
    sample_documents,
    sample_issuer,
)
from tests.support.summaries import FixedSigner
from verifier.core.certificate import (
    CTY,
    TYP,
    IssuerInfo,
    issue_certificate,
    join_compact,
    parse_certificate,
)
from verifier.core.document import parse_document
from verifier.core.encoding import unb64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.hashing import token_leaf
from verifier.core.ids import StatusEntry
from verifier.core.jws import sign_compact
from verifier.core.keys import TOKEN_ALGORITHMS, Algorithm
from verifier.core.limits import MAX_DISCLOSURES, MAX_DOCUMENT_BYTES
from verifier.core.moments import parse_moment
from verifier.core.payload_shapes import OWN_CONTEXT_FAMILY
from verifier.core.strict_json import canonical_json

SAMPLES = sample_documents()
DURIAN, INSPECTION = SAMPLES[0], SAMPLES[3]


def payload_of(document: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(
        unb64u(issue_sample(document).jwt.split(".")[1], what="payload")
    )
    return payload


def resigned(payload: Any) -> str:
    return sign_compact(canonical_json(payload), SIGNER, typ=TYP, cty=CTY) + "~"


@pytest.mark.parametrize("document", SAMPLES, ids=lambda each: each["number"])
@pytest.mark.parametrize("algorithm", TOKEN_ALGORITHMS)
def test_what_is_issued_is_parsed_back(document: dict[str, Any], algorithm: Algorithm) -> None:
    signer = FixedSigner(algorithm)
    issued = issue_sample(document, signer=signer)
    issuer = sample_issuer(document)

    parsed = parse_certificate(issued.compact)

    credential = parsed.credential
    assert parsed.jws.signed_by(signer.public_key)
    assert parsed.leaf == issued.leaf == token_leaf(issued.jwt)
    assert parsed.disclosures == issued.disclosures
    assert credential.kind == document["kind"]
    assert credential.number == document["number"]
    assert credential.revision == document["revision"]
    assert credential.credential_id == CREDENTIAL_ID
    assert credential.status == STATUS
    assert (credential.party, credential.did, credential.body, credential.issuer_name) == (
        issuer.party, issuer.did, issuer.body, issuer.name,
    )  # fmt: skip
    assert credential.issued_at == ISSUED_AT
    assert credential.issued == document["dates"]["issued"]
    assert credential.claimed == parse_moment(credential.issued, what="issued")
    assert credential.valid_from == credential.claimed.earliest
    assert credential.valid_until is None
    assert credential.co_signature == "none"
    assert credential.demonstration is True


def test_every_result_has_its_stub() -> None:
    test = parse_certificate(issue_sample(DURIAN).compact).credential.results
    inspection = parse_certificate(issue_sample(INSPECTION).compact).credential.results

    assert [each.ordinal for each in test] == list(range(1, 8))
    assert [each.accredited for each in test] == [each["accredited"] for each in DURIAN["results"]]
    assert [each.conclusion for each in inspection] == [
        each["result"] for each in INSPECTION["checklist"]
    ]
    assert not any(each.accredited for each in inspection)


def test_nothing_private_is_visible() -> None:
    issued = issue_sample(DURIAN)
    visible = unb64u(issued.jwt.split(".")[1], what="payload").decode()

    for private in (
        "Demo Fruit", "DEMU1234560", "MT-2026", "SIG-KM", "0.018", "Cadmium", "GB 5009",
        "Kunming lab", "0810.60", "Mohan", "2026-02-10",
    ):  # fmt: skip
        assert private not in visible, private


def test_the_bytes_do_not_depend_on_the_order_of_the_import() -> None:
    def reversed_members(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: reversed_members(value[name]) for name in reversed(value)}
        return [reversed_members(each) for each in value] if isinstance(value, list) else value

    for document in SAMPLES:
        assert issue_sample(reversed_members(document)).compact == issue_sample(document).compact


def test_decoys_hide_how_many_fields_there_are() -> None:
    subject = payload_of(DURIAN)["credentialSubject"]

    for name in ("customer", "consignment", "sampling", "signatory"):
        assert len(subject[name]["_sd"]) % 4 == 0, name
    assert all(len(result["_sd"]) == 1 for result in subject["results"])


def test_salts_are_all_used_and_none_twice() -> None:
    issued = issue_sample(DURIAN)
    salts = [json.loads(unb64u(each, what="it"))[0] for each in issued.disclosures]

    assert len(set(salts)) == len(salts)
    assert all(len(unb64u(salt, what="salt")) == 16 for salt in salts)


def test_an_end_of_validity_is_visible_and_exclusive() -> None:
    document = {**DURIAN, "dates": {**DURIAN["dates"], "valid_until": "2027-02-11"}}

    credential = parse_certificate(issue_sample(document).compact).credential

    assert credential.valid_until == parse_moment("2027-02-12T12:00:00Z", what="it").earliest


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"salts": b"short"}, id="too few salts"),
        pytest.param({"credential_id": "urn:uuid:1234"}, id="no uuid"),
        pytest.param({"credential_id": CREDENTIAL_ID.upper()}, id="upper case"),
    ],
)
def test_issuing_refuses_what_it_could_not_read_back(changes: dict[str, Any]) -> None:
    document = parse_document(DURIAN)
    arguments: dict[str, Any] = {
        "issuer": sample_issuer(DURIAN),
        "status": STATUS,
        "credential_id": CREDENTIAL_ID,
        "issued_at": ISSUED_AT,
        "salts": fixed_salts(document.template.salt_bytes),
        "signer": SIGNER,
    }
    with pytest.raises(ValueError):  # noqa: PT011  (each has its own message)
        issue_certificate(document, **(arguments | changes))


def test_an_issuer_name_is_written_as_text() -> None:
    document = parse_document(DURIAN)
    issuer = IssuerInfo(party="CN", did="did:web:a.example", name='A "B" \\ 中心')
    issued = issue_certificate(
        document, issuer=issuer, status=StatusEntry(list_number=0, index=0),
        credential_id=CREDENTIAL_ID, issued_at=ISSUED_AT,
        salts=fixed_salts(document.template.salt_bytes), signer=SIGNER,
    )  # fmt: skip

    assert parse_certificate(issued.compact).credential.issuer_name == issuer.name


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        pytest.param("@context/2", OWN_CONTEXT_FAMILY + "2", "version", id="version"),
        pytest.param("type/2", "Invoice", "payload", id="another type"),
        pytest.param("id", "urn:uuid:1", "payload", id="no uuid"),
        pytest.param("iat", "5", "payload", id="iat is text"),
        pytest.param("iat", -1, "payload", id="iat before 1970"),
        pytest.param("iat", True, "payload", id="iat is true"),
        pytest.param("issuer/body", "00" * 32, "body", id="foreign body"),
        pytest.param("issuer/party", "LA", "body", id="foreign party"),
        pytest.param("issuer/party", "la", "party", id="no party"),
        pytest.param("issuer/id", "did:web:x.example", "body", id="foreign did"),
        pytest.param("issuer/extra", 1, "payload", id="unknown member"),
        pytest.param("validFrom", "2026-02-11T10:05:01Z", "dates", id="another begin"),
        pytest.param("validFrom", "2026-02-11", "date", id="begin is a date"),
        pytest.param("validUntil", "2027-02-11T10:05:00Z", "dates", id="an end without a date"),
        pytest.param("credentialStatus/statusListIndex", "1", "status", id="another index"),
        pytest.param("credentialStatus/statusListIndex", "01", "status", id="padded index"),
        pytest.param("credentialStatus/statusListIndex", 48213, "payload", id="index is a number"),
        pytest.param("credentialStatus/statusPurpose", "message", "payload", id="another purpose"),
        pytest.param("credentialStatus", {
            "id": f"urn:lancang:status:{'00' * 32}:0#1", "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation", "statusListIndex": "1",
            "statusListCredential": f"urn:lancang:status:{'00' * 32}:0",
        }, "status", id="foreign status list"),
        pytest.param("credentialStatus/id", "urn:x", "status", id="another id of the entry"),
        pytest.param("coSignature", "RS256", "payload", id="another co-signature"),
        pytest.param("_sd_alg", "sha-512", "payload", id="another hash"),
        pytest.param("_sd", [], "payload", id="digests at the top"),
        pytest.param("credentialSubject/extra", 1, "payload", id="unknown subject member"),
        pytest.param("credentialSubject/demonstration", "no", "payload", id="flag is text"),
        pytest.param("credentialSubject/customer/name", "X", "payload", id="private field shown"),
        pytest.param("credentialSubject/customer/_sd", ["A" * 43, "A" * 43], "payload",
                     id="digest twice"),
        pytest.param("credentialSubject/customer/_sd", ["B" * 43, "A" * 43], "payload",
                     id="digests out of order"),
        pytest.param("credentialSubject/customer/_sd", [], "payload", id="no digests"),
        pytest.param("credentialSubject/customer/_sd", ["A" * 42], "payload", id="short digest"),
        pytest.param("credentialSubject/results/0/_sd", ["A" * 43, "B" * 43], "payload",
                     id="two digests in a result"),
        pytest.param("credentialSubject/results/0/ordinal", 2, "ordinals", id="ordinal twice"),
        pytest.param("credentialSubject/results/0/conclusion", "fine", "payload", id="no word"),
        pytest.param("credentialSubject/results/0/conclusion", "fail", "conclusion_hides_failure",
                     id="a failed result under a pass"),
        pytest.param("credentialSubject/conclusion", "fail", "conclusion_mismatch",
                     id="a failure without a failed result"),
        pytest.param("credentialSubject/results/0", ..., "ordinals", id="first result dropped"),
        pytest.param("credentialSubject/results/3", ..., "ordinals", id="a result dropped"),
        pytest.param("credentialSubject/results", [], "payload", id="no results"),
        pytest.param("credentialSubject/results", {"...": "A" * 43}, "payload", id="dots"),
        pytest.param("credentialSubject/dates/issued", "yesterday", "payload", id="no date"),
        pytest.param("credentialSubject/attestationType", "inspection", "payload", id="wrong type"),
    ],
)  # fmt: skip
def test_signed_payloads_are_read_strictly(path: str, value: Any, reason: str) -> None:
    payload = payload_of(DURIAN)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    node: Any = payload
    for part in parents:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value

    with pytest.raises(MalformedEvidenceError) as caught:
        parse_certificate(resigned(payload))
    assert caught.value.reason == reason
    assert not isinstance(caught.value, NotOursError)


@pytest.mark.parametrize("member", sorted(payload_of(DURIAN)))
def test_no_member_may_be_missing(member: str) -> None:
    payload = payload_of(DURIAN)
    del payload[member]

    with pytest.raises(MalformedEvidenceError):
        parse_certificate(resigned(payload))


@pytest.mark.parametrize("member", sorted(payload_of(INSPECTION)["credentialSubject"]))
def test_members_of_a_subject_are_required_or_optional(member: str) -> None:
    payload = payload_of(INSPECTION)
    del payload["credentialSubject"][member]

    if member in {"joint", "task", "selection", "disposition"}:
        assert parse_certificate(resigned(payload))
    else:
        with pytest.raises(MalformedEvidenceError):
            parse_certificate(resigned(payload))


def test_a_record_may_not_be_called_better_than_it_is() -> None:
    payload = payload_of(INSPECTION)
    payload["credentialSubject"]["conclusion"] = "pass"

    with pytest.raises(MalformedEvidenceError) as caught:
        parse_certificate(resigned(payload))
    assert caught.value.reason == "conclusion_hides_failure"


def test_foreign_credentials_are_not_ours() -> None:
    payload = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
    }
    for contexts in (payload["@context"], None, 5, [5]):
        with pytest.raises(NotOursError):
            parse_certificate(resigned({**payload, "@context": contexts}))


@pytest.mark.parametrize("text", ["", "~", "a.b.c", "a.b.c~", "hello", "~~~", "é~"])
def test_other_texts_are_not_ours(text: str) -> None:
    with pytest.raises(NotOursError):
        parse_certificate(text)


def test_the_compact_form_is_exact() -> None:
    issued = issue_sample(DURIAN)

    with pytest.raises(MalformedEvidenceError) as caught:
        parse_certificate(issued.jwt)
    assert caught.value.reason == "sd_jwt"
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_certificate(issued.compact + issued.jwt)
    assert caught.value.reason == "key_binding"
    with pytest.raises(MalformedEvidenceError):
        parse_certificate(issued.compact + "\n")


def test_limits_are_kept() -> None:
    issued = issue_sample(DURIAN)

    with pytest.raises(LimitExceededError):
        parse_certificate("a" * (MAX_DOCUMENT_BYTES + 1))
    with pytest.raises(LimitExceededError):
        parse_certificate(join_compact(issued.jwt, ["a"] * (MAX_DISCLOSURES + 1)))
