from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import SIGNER, issue_sample, sample_documents
from verifier.core.certificate import (
    CTY,
    TYP,
    IssuedCertificate,
    join_compact,
    parse_certificate,
)
from verifier.core.disclosures import DisclosureError, digest_of
from verifier.core.document import without_nulls
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.jws import sign_compact
from verifier.core.sd_jwt import resolve
from verifier.core.strict_json import canonical_json
from verifier.core.subject_template import CONTENTS
from verifier.core.views import ResolvedCertificate, make_view, released_digest, resolve_certificate

SAMPLES = sample_documents()
ISSUED = [issue_sample(document) for document in SAMPLES]
DURIAN = ISSUED[0]


def opened(compact: str) -> ResolvedCertificate:
    return resolve_certificate(parse_certificate(compact))


def dropped(issued: IssuedCertificate, *paths: str) -> ResolvedCertificate:
    """Return a view that a holder made by hand, without the courtesy of dropping `contents`."""
    kept = [
        text for path, text in zip(issued.paths, issued.disclosures, strict=True)
        if path not in paths
    ]  # fmt: skip
    return opened(join_compact(issued.jwt, kept))


@pytest.mark.parametrize(
    ("issued", "document"), list(zip(ISSUED, SAMPLES, strict=True)),
    ids=[each["number"] for each in SAMPLES],
)  # fmt: skip
def test_everything_comes_back(issued: IssuedCertificate, document: dict[str, Any]) -> None:
    resolved = opened(issued.compact)
    imported: Any = without_nulls(document)

    assert resolved.complete
    assert resolved.withheld == ()
    assert set(resolved.fields) == set(issued.paths) - {CONTENTS}
    for name, value in imported["consignment"].items():
        assert resolved.fields[f"consignment.{name}"] == value
    for name, value in imported["signatory"].items():
        assert resolved.fields[f"signatory.{name}"] == value
    stubs = {"conclusion", "accredited", "result"} if "checklist" in imported else {
        "conclusion", "accredited"
    }  # fmt: skip
    results = imported.get("checklist") or imported["results"]
    for at, result in enumerate(results, start=1):
        detail = {name: value for name, value in result.items() if name not in stubs}
        assert resolved.fields[f"results.{at}.detail"] == detail


@pytest.mark.parametrize("issued", ISSUED, ids=[each["number"] for each in SAMPLES])
def test_the_general_layer_says_the_same(issued: IssuedCertificate) -> None:
    parsed = parse_certificate(issued.compact)
    general = resolve(parsed.payload, issued.disclosures)
    resolved = resolve_certificate(parsed)

    assert {digest for digest, _ in general.disclosed.values()} == set(resolved.digests.values())
    assert resolved.claims == general.claims
    assert sum(map(len, general.undisclosed.values())) == sum(resolved.open_digests.values())


@pytest.mark.parametrize(
    ("issued", "path"),
    [(issued, path) for issued in ISSUED for path in issued.paths],
    ids=lambda each: each if isinstance(each, str) else each.jwt[-4:],
)
def test_every_dropped_disclosure_shows(issued: IssuedCertificate, path: str) -> None:
    """Drop each disclosure alone, as a dishonest holder would, and as a view does."""
    by_hand = dropped(issued, path)
    whole = opened(issued.compact)
    view = make_view(whole, [path])
    by_view = opened(view.compact)

    assert not by_hand.complete
    assert by_hand.withheld == ((path,) if path != CONTENTS else (CONTENTS,))
    assert not by_view.complete
    assert view.withheld == tuple(sorted({path, CONTENTS}))
    assert CONTENTS in by_view.withheld
    for resolved in (by_hand, by_view):
        stubs = resolved.parsed.credential.results
        assert stubs == whole.parsed.credential.results
        assert resolved.parsed.credential.conclusion is whole.parsed.credential.conclusion
        assert resolved.parsed.leaf == whole.parsed.leaf
        assert resolved.parsed.jws.signed_by(SIGNER.public_key)


@given(st.sampled_from(ISSUED), st.data())
def test_any_view_shows_exactly_what_it_keeps(
    issued: IssuedCertificate, data: st.DataObject
) -> None:
    withhold = data.draw(st.sets(st.sampled_from(issued.paths)))
    whole = opened(issued.compact)

    view = make_view(whole, withhold)
    resolved = opened(view.compact)

    assert set(resolved.digests) == set(issued.paths) - set(view.withheld)
    assert resolved.released == view.released == released_digest(resolved.digests.values())
    assert set(view.withheld) == withhold | ({CONTENTS} if withhold else set())
    assert set(resolved.withheld) <= set(view.withheld)


# A holder may drop what is inside a result, never that there is one or what it concluded.
def test_no_combination_of_result_values_hides_a_failed_result() -> None:
    words = ("pass", "fail", "inconclusive", "not_assessed")
    for conclusions in product(words, repeat=3):
        document = sample_documents()[0]
        document["results"] = document["results"][:3]
        for result, conclusion in zip(document["results"], conclusions, strict=True):
            result["conclusion"] = conclusion
        issued = issue_sample(document)

        bare = opened(join_compact(issued.jwt, []))

        credential = bare.parsed.credential
        assert [stub.conclusion for stub in credential.results] == list(conclusions)
        assert (credential.conclusion == "fail") == ("fail" in conclusions)
        report: Any = bare.report_document()
        assert [each["conclusion"] for each in report["results"]] == list(conclusions)


def test_no_combination_of_items_hides_a_failed_item() -> None:
    for items, agency in product(
        product(("pass", "fail", "suspect", "not_applicable"), repeat=2),
        ("pass", "conditional", "fail"),
    ):
        document = sample_documents()[3]
        del document["disposition"]
        document["checklist"] = document["checklist"][:2]
        for item, result in zip(document["checklist"], items, strict=True):
            item["result"] = result
        document["conclusions"] = [{"agency": "海关", "conclusion": agency}]

        credential = parse_certificate(issue_sample(document).jwt + "~").credential

        assert [stub.conclusion for stub in credential.results] == list(items)
        if {"fail", "suspect"} & set(items):
            assert credential.conclusion != "pass"
        assert (credential.conclusion == "fail") == (agency == "fail")


def test_a_view_of_a_view_withholds_both() -> None:
    first = make_view(opened(DURIAN.compact), ["customer.name"])
    second = make_view(opened(first.compact), ["results.3.detail"])

    assert opened(second.compact).withheld == ("contents", "results.3.detail")
    with pytest.raises(ValueError, match=r"no disclosure customer\.name"):
        make_view(opened(first.compact), ["customer.name"])


def test_an_empty_view_is_the_whole() -> None:
    whole = opened(DURIAN.compact)

    assert make_view(whole, []).compact == DURIAN.compact
    assert make_view(whole, []).withheld == ()


def test_order_of_disclosures_does_not_matter() -> None:
    turned = opened(join_compact(DURIAN.jwt, list(reversed(DURIAN.disclosures))))

    assert turned.fields == opened(DURIAN.compact).fields
    assert turned.complete


class TestReport:
    def test_of_everything(self) -> None:
        report: Any = opened(DURIAN.compact).report_document()

        assert report["kind"] == "TestCertificate"
        assert report["issued"] == "2026-02-11T18:05:00+08:00"
        assert report["signed_at"] == "2026-11-21T18:40:00Z"
        assert report["conclusion"] == "pass"
        assert report["withheld"] == []
        assert report["disclosed"]["consignment.container_no"] == "DEMU1234560"
        assert report["disclosed"]["title"] == {"zh": "检验检测报告", "en": "Test Report"}
        assert report["results"][0]["ordinal"] == 1
        assert report["results"][0]["method"]["standard"] == "GB 5009.15-2023"
        assert not any(name.startswith("results.") for name in report["disclosed"])
        assert canonical_json(report)

    def test_of_a_view(self) -> None:
        report: Any = dropped(
            DURIAN, "contents", "customer.name", "results.2.detail"
        ).report_document()

        assert report["results"][1] == {"ordinal": 2, "conclusion": "pass", "accredited": True}
        assert "customer.name" not in report["disclosed"]
        assert report["withheld"] == ["contents", "results.2.detail"]

    def test_of_an_inspection(self) -> None:
        report: Any = opened(ISSUED[3].compact).report_document()

        assert report["conclusion"] == "conditional"
        assert report["disclosed"]["agencies.2.conclusion"] == "conditional"
        assert report["disclosed"]["agencies.2.reason"]["en"] == "certificate to be verified"
        assert report["disclosed"]["disposition.outcome"] == "hold_for_rectification"
        assert report["disclosed"]["joint"] is True

    def test_of_an_amendment(self) -> None:
        report: Any = opened(ISSUED[2].compact).report_document()

        assert report["disclosed"]["replaces.number"] == "DEMO-YN-2026-8001100-000008"
        assert report["disclosed"]["replaces.reason"]["en"] == "net weight corrected"


def signed_with(change: Any) -> tuple[str, dict[str, str]]:
    """Return a re-signed payload and the disclosures of the durian certificate by path."""
    payload = json.loads(unb64u(DURIAN.jwt.split(".")[1], what="payload"))
    change(payload)
    jwt = sign_compact(canonical_json(payload), SIGNER, typ=TYP, cty=CTY)
    return jwt, dict(zip(DURIAN.paths, DURIAN.disclosures, strict=True))


def add_to(holder: str, *disclosures: str) -> Any:
    def change(payload: Any) -> None:
        node = payload["credentialSubject"]
        if holder:
            node = node[holder]
        node["_sd"] = sorted([*node["_sd"], *map(digest_of, disclosures)])

    return change


def own(name: str, value: Any) -> str:
    return b64u(json.dumps(["c2FsdHNhbHRzYWx0c2FsdA", name, value]).encode())


@pytest.mark.parametrize(
    ("holder", "disclosure", "reason"),
    [
        pytest.param("customer", own("colour", "red"), "unexpected_disclosure", id="no such field"),
        pytest.param("dates", own("valid_until", "2030-01-01"), "unexpected_disclosure",
                     id="a visible field as disclosure"),
        pytest.param("dates", own("issued", "2030-01-01"), "unexpected_disclosure",
                     id="a visible field again"),
        pytest.param("", own("number", "X-1"), "unexpected_disclosure", id="another number"),
        pytest.param("", own("conclusion", "fail"), "unexpected_disclosure", id="a conclusion"),
        pytest.param("", own("opinions", "one"), "disclosed_value", id="value out of shape"),
        pytest.param("customer", own("contact", "x" * 201), "disclosed_value", id="text too long"),
        pytest.param("consignment", own("brand", {"_sd": ["A" * 43]}), "disclosed_value",
                     id="digests inside a value"),
        pytest.param("customer", own("contact", "new"), "contents", id="not among the contents"),
    ],
)  # fmt: skip
def test_an_issuer_cannot_sign_what_the_format_does_not_know(
    holder: str, disclosure: str, reason: str
) -> None:
    jwt, disclosures = signed_with(add_to(holder, disclosure))

    with pytest.raises(MalformedEvidenceError) as caught:
        opened(join_compact(jwt, [*disclosures.values(), disclosure]))
    assert caught.value.reason == reason


def test_two_values_of_one_field_are_refused() -> None:
    jwt, disclosures = signed_with(add_to("customer", own("name", "Another")))

    with pytest.raises(DisclosureError) as caught:
        opened(join_compact(jwt, [*disclosures.values(), own("name", "Another")]))
    assert (caught.value.reason, caught.value.finding) == ("claim_collision", "altered")


def test_one_digest_in_two_places_is_refused() -> None:
    def repeat(payload: Any) -> None:
        subject = payload["credentialSubject"]
        subject["results"][1]["_sd"] = subject["results"][0]["_sd"]

    jwt, _ = signed_with(repeat)
    with pytest.raises(DisclosureError) as caught:
        opened(join_compact(jwt, []))
    assert (caught.value.reason, caught.value.finding) == ("digest_duplicate", "altered")


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param([], id="empty"),
        pytest.param(list(DURIAN.paths[:-2]), id="one path less"),
        pytest.param([*DURIAN.paths[:-1], "zebra"], id="a field that cannot be"),
        pytest.param([*DURIAN.paths[:-1], DURIAN.paths[0]], id="a path twice"),
        pytest.param(list(reversed(DURIAN.paths[:-1])), id="unsorted"),
        pytest.param(sorted([*DURIAN.paths[:-1], *(f"customer.x{n}" for n in range(5))]),
                     id="more than there are digests"),
    ],
)  # fmt: skip
def test_a_list_of_contents_must_be_true(contents: list[str]) -> None:
    def replace(payload: Any) -> None:
        subject = payload["credentialSubject"]
        old = digest_of(DURIAN.disclosures[-1])
        subject["_sd"] = sorted(
            [*(set(subject["_sd"]) - {old}), digest_of(own(CONTENTS, contents))]
        )

    jwt, disclosures = signed_with(replace)
    disclosures[CONTENTS] = own(CONTENTS, contents)

    with pytest.raises(MalformedEvidenceError):
        opened(join_compact(jwt, list(disclosures.values())))


def test_a_disclosure_of_another_certificate_fits_nowhere() -> None:
    foreign = ISSUED[1].disclosures[0]

    with pytest.raises(DisclosureError) as caught:
        opened(join_compact(DURIAN.jwt, [*DURIAN.disclosures, foreign]))
    assert (caught.value.reason, caught.value.finding) == (
        "disclosure_unmatched", "undisclosed_digest",
    )  # fmt: skip
