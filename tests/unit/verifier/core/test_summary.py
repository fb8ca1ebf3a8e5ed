"""The field map from a certificate to its summary, and what counts as a difference."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.summaries import (
    BODY,
    ISSUED_AT,
    make_certificate,
    make_claims,
    sample_document,
)
from verifier.core.conclusions import (
    ITEM_CONCLUSIONS,
    TEST_CONCLUSIONS,
    Conclusion,
    overall_of_inspection,
    overall_of_tests,
)
from verifier.core.credential import ResultStub
from verifier.core.disclosures import digest_of
from verifier.core.errors import MalformedEvidenceError
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import StatusEntry
from verifier.core.moments import LAST_SECOND
from verifier.core.summary import (
    GOODS_FIELDS,
    GoodsField,
    SummaryClaims,
    shorten,
    summary_differences,
    summary_of,
)
from verifier.core.summary_claims import decode_claims, encode_claims
from verifier.core.views import ResolvedCertificate, resolve_certificate

SAMPLES = Path(__file__).parents[4] / "examples" / "sample_documents.json"
GOODS = st.text("ABCxyz019-鲜ກ", max_size=10)
RESULTS = tuple(ResultStub(number, Conclusion.PASS, number != 3) for number in range(1, 8))
TIMES = st.integers(0, LAST_SECOND)
STATUS = st.integers(0, 2**32 - 1)


def results_of(conclusions: tuple[Conclusion, ...]) -> st.SearchStrategy[tuple[ResultStub, ...]]:
    stubs = st.lists(
        st.tuples(st.sampled_from(conclusions), st.booleans()), min_size=1, max_size=30
    )
    return stubs.map(
        lambda pairs: tuple(ResultStub(at, *pair) for at, pair in enumerate(pairs, start=1))
    )


@st.composite
def summaries(draw: st.DrawFn) -> SummaryClaims:
    kind = draw(st.sampled_from(DocumentKind))
    if kind is DocumentKind.TEST_CERTIFICATE:
        results = draw(results_of(TEST_CONCLUSIONS))
        conclusion = overall_of_tests(result.conclusion for result in results)
    else:
        results = draw(results_of(ITEM_CONCLUSIONS))
        agency = draw(st.sampled_from([Conclusion.PASS, Conclusion.FAIL]))
        items = [result.conclusion for result in results]
        conclusion = overall_of_inspection(items, [agency], None)
    goods = st.dictionaries(st.sampled_from([field.name for field in GOODS_FIELDS]), GOODS)
    return SummaryClaims(
        issued_at=draw(TIMES),
        kind=kind,
        number=draw(st.text("ABCxyz019-鲜ກ", max_size=64)),
        party=draw(st.sampled_from(["CN", "LA", "TH-2"])),
        body=draw(st.binary(min_size=32, max_size=32)),
        certificate=draw(st.binary(min_size=32, max_size=32)),
        certificate_issued_at=draw(TIMES),
        status=StatusEntry(list_number=draw(STATUS), index=draw(STATUS)),
        conclusion=conclusion,
        valid_until=draw(st.none() | TIMES),
        claimed_issue=draw(TIMES),
        destination=draw(st.none() | st.sampled_from(["LA", "TH"])),
        goods=draw(goods),
        results=results,
        demonstration=draw(st.booleans()),
    )


def summary(certificate: ResolvedCertificate, destination: str | None = None) -> SummaryClaims:
    return summary_of(certificate, issued_at=ISSUED_AT, destination=destination)


def document_with(**consignment: object) -> dict[str, Any]:
    document = sample_document()
    document["consignment"] |= consignment
    return document


class TestFieldMap:
    def test_durian(self) -> None:
        certificate = make_certificate()

        assert summary(certificate) == SummaryClaims(
            issued_at=ISSUED_AT,
            kind=DocumentKind.TEST_CERTIFICATE,
            number="DEMO-KM-2026-0081060-000123",
            party="CN",
            body=BODY,
            certificate=certificate.parsed.leaf,
            certificate_issued_at=1_770_804_420,
            status=StatusEntry(list_number=0, index=48213),
            conclusion=Conclusion.PASS,
            valid_until=None,
            claimed_issue=1_770_804_300,
            destination=None,
            goods={
                "description": "Fresh durian, Durio zibethinu…",
                "hs_code": "0810.60.00",
                "origin": "TH",
                "net_mass.value": "18240",
                "net_mass.unit": "kg",
                "lot_no": "MT-2026-0210",
                "container_no": "DEMU1234560",
            },
            results=RESULTS,
            demonstration=True,
        )

    def test_withheld_goods_are_left_out(self) -> None:
        view = make_certificate(
            withhold=["consignment.container_no", "consignment.net_mass", "consignment.description"]
        )
        claims = summary(view, "LA")

        assert set(claims.goods) == {"hs_code", "origin", "lot_no"}
        assert claims.destination == "LA"

    @pytest.mark.parametrize(
        ("description", "expected"),
        [
            pytest.param({"zh": "水泥", "lo": "ຊີມັງ"}, "ຊີມັງ", id="first code without English"),
            pytest.param({"zh": "水泥", "en": "Cement"}, "Cement", id="English"),
            pytest.param({"bo": "ཨར་འདམ", "en": "Cement"}, "Cement", id="English is not first"),
        ],
    )
    def test_language_of_the_description(self, description: dict[str, str], expected: str) -> None:
        document = document_with(description=description) | {"languages": [*description]}

        assert summary(make_certificate(document)).goods["description"] == expected

    def test_a_number_is_never_cut(self) -> None:
        value = "12345678901234567890.12345678901234567890"
        certificate = make_certificate(document_with(net_mass={"value": value, "unit": "kg"}))

        assert summary(certificate).goods["net_mass.value"] == value

    def test_end_of_validity(self) -> None:
        document = sample_document()
        document["dates"]["valid_until"] = "2027-02-11T18:05:00+08:00"

        claims = summary(make_certificate(document))
        assert claims.valid_until == 1_770_804_300 + 365 * 86400

    @pytest.mark.parametrize("number", range(4))
    def test_every_sample_has_a_summary(self, number: int) -> None:
        documents = json.loads(SAMPLES.read_text("utf-8"))["documents"]
        certificate = make_certificate(documents[number])
        claims = summary(certificate, "LA")

        assert decode_claims(encode_claims(claims)) == claims
        assert summary_differences(claims, certificate) == ()


class TestShortening:
    @given(st.text(), st.integers(3, 80))
    @settings(deadline=None)
    def test_never_longer_and_never_broken(self, text: str, longest: int) -> None:
        short = shorten(text, longest=longest)

        assert len(short.encode()) <= longest
        assert short == text or (short.endswith("…") and text.startswith(short[:-1]))

    def test_cut_between_characters(self) -> None:
        assert shorten("鲜榴莲鲜榴莲", longest=14) == "鲜榴莲…"
        assert shorten("鲜榴莲", longest=9) == "鲜榴莲"


class TestDifferences:
    CERTIFICATE = make_certificate()
    CLAIMS = summary(CERTIFICATE)

    def test_none_with_its_own_certificate(self) -> None:
        assert summary_differences(self.CLAIMS, self.CERTIFICATE) == ()

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"number": "DEMO-KM-2026-0081060-000124"}, "number"),
            ({"kind": DocumentKind.INSPECTION_RECORD}, "kind"),
            ({"party": "LA"}, "party"),
            ({"body": bytes(32)}, "body"),
            ({"certificate": bytes(32)}, "certificate"),
            ({"certificate_issued_at": 1}, "certificate_issued_at"),
            ({"status": StatusEntry(list_number=0, index=1)}, "status"),
            ({"conclusion": Conclusion.FAIL}, "conclusion"),
            ({"valid_until": 2_000_000_000}, "valid_until"),
            ({"claimed_issue": 1}, "claimed_issue"),
            ({"results": RESULTS[:-1]}, "results"),
            ({"demonstration": False}, "demonstration"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_every_field_counts(self, changes: dict[str, Any], named: str) -> None:
        claims = replace(self.CLAIMS, **changes)

        assert summary_differences(claims, self.CERTIFICATE) == (named,)

    @pytest.mark.parametrize("field", GOODS_FIELDS, ids=lambda field: field.name)
    def test_every_text_of_the_goods_counts(self, field: GoodsField) -> None:
        claims = replace(self.CLAIMS, goods={**self.CLAIMS.goods, field.name: "other"})

        assert summary_differences(claims, self.CERTIFICATE) == (f"goods.{field.name}",)

    @pytest.mark.parametrize(
        "withhold",
        [
            pytest.param(["consignment.lot_no", "consignment.net_mass"], id="two fields"),
            pytest.param(["signatory.id"], id="another field"),
        ],
    )
    def test_what_the_view_withholds_cannot_be_compared(self, withhold: list[str]) -> None:
        view = make_certificate(withhold=withhold)

        assert summary_differences(self.CLAIMS, view) == ()

    def test_a_withheld_field_that_contents_still_lists(self) -> None:
        parsed = self.CERTIFICATE.parsed
        lot = self.CERTIFICATE.digests["consignment.lot_no"]
        kept = tuple(text for text in parsed.disclosures if digest_of(text) != lot)
        view = resolve_certificate(replace(parsed, disclosures=kept))
        assert view.contents is not None

        assert summary_differences(self.CLAIMS, view) == ()

    def test_what_the_whole_certificate_does_not_have_was_invented(self) -> None:
        certificate = make_certificate(document_with(lot_no=None))
        claims = summary(certificate)
        claims = replace(claims, goods={**claims.goods, "lot_no": "MT-2026-0210"})

        assert summary_differences(claims, certificate) == ("goods.lot_no",)

    @pytest.mark.parametrize(("destination", "expected"), [("LA", ()), (None, ("goods.lot_no",))])
    def test_only_a_summary_for_a_destination_may_leave_out(
        self, destination: str | None, expected: tuple[str, ...]
    ) -> None:
        goods = {name: text for name, text in self.CLAIMS.goods.items() if name != "lot_no"}
        claims = replace(self.CLAIMS, goods=goods, destination=destination)

        assert summary_differences(claims, self.CERTIFICATE) == expected

    def test_when_the_summary_was_made_is_its_own_affair(self) -> None:
        assert summary_differences(replace(self.CLAIMS, issued_at=1), self.CERTIFICATE) == ()


class TestEncoding:
    @given(summaries())
    def test_comes_back(self, claims: SummaryClaims) -> None:
        assert decode_claims(encode_claims(claims)) == claims

    def test_labels_are_those_of_the_format(self) -> None:
        claims = replace(make_claims("LA"), valid_until=1_802_340_300)

        assert cbor2.loads(encode_claims(claims)) == {
            6: ISSUED_AT,
            -65537: {
                0: 1,
                1: 1,
                2: "DEMO-KM-2026-0081060-000123",
                3: "CN",
                4: BODY,
                5: claims.certificate,
                6: 1_770_804_420,
                7: 0,
                8: 48213,
                9: 0,
                10: 1_802_340_300,
                11: 1_770_804_300,
                12: "LA",
                13: {
                    0: "Fresh durian, Durio zibethinu…",
                    1: "0810.60.00",
                    2: "TH",
                    3: "18240",
                    4: "kg",
                    5: "MT-2026-0210",
                    6: "DEMU1234560",
                },
                14: [1, 2, 0, 1, 1, 4],
                15: True,
            },
        }

    @pytest.mark.parametrize(
        ("member", "value", "reason"),
        [
            pytest.param(0, 2, "version", id="version"),
            pytest.param(0, True, "version", id="version is true"),
            pytest.param(1, 0, "value", id="kind 0"),
            pytest.param(1, 3, "value", id="unknown kind"),
            pytest.param(2, "N" * 65, "value", id="long number"),
            pytest.param(2, 7, "type", id="number is no text"),
            pytest.param(3, "cn", "party", id="party"),
            pytest.param(4, bytes(31), "length", id="short body id"),
            pytest.param(5, "00" * 16, "type", id="leaf is text"),
            pytest.param(6, -1, "value", id="time before 1970"),
            pytest.param(6, 2**40, "value", id="time in the far future"),
            pytest.param(6, False, "type", id="time is false"),
            pytest.param(7, 2**32, "status", id="list number"),
            pytest.param(8, -1, "status", id="index"),
            pytest.param(9, "pass", "type", id="conclusion in words"),
            pytest.param(9, 99, "value", id="overall conclusion without meaning"),
            pytest.param(9, 1, "conclusion", id="fail over results that all pass"),
            pytest.param(10, None, "type", id="null instead of absent"),
            pytest.param(12, "", "value", id="empty destination"),
            pytest.param(12, "la", "value", id="destination in lower case"),
            pytest.param(13, [], "type", id="goods is a list"),
            pytest.param(13, {7: "x"}, "members", id="unknown goods"),
            pytest.param(13, {0: "d" * 33}, "value", id="long description"),
            pytest.param(13, {1: "d" * 33}, "value", id="long code"),
            pytest.param(13, {1: 8}, "type", id="goods are no text"),
            pytest.param(14, [], "type", id="no results"),
            pytest.param(14, [1, 6, 3, 1], "conclusion", id="pass over a failed result"),
            pytest.param(14, [1], "type", id="code without run"),
            pytest.param(14, [1, 0], "value", id="empty run"),
            pytest.param(14, [1, 2001], "value", id="endless run"),
            pytest.param(14, [1, 2, 1, 1], "not_deterministic", id="two runs of one code"),
            pytest.param(14, [99, 1], "value", id="unknown conclusion"),
            pytest.param(14, [-1, 1], "value", id="negative code"),
            pytest.param(14, [1, True], "type", id="run is true"),
            pytest.param(14, {}, "type", id="results are a map"),
            pytest.param(15, 1, "type", id="demonstration is 1"),
            pytest.param(16, 0, "members", id="unknown member"),
        ],
    )
    def test_refused(self, member: int, value: object, reason: str) -> None:
        claims = cbor2.loads(encode_claims(make_claims()))
        claims[-65537] = dict(sorted({**claims[-65537], member: value}.items()))

        with pytest.raises(MalformedEvidenceError) as caught:
            decode_claims(cbor2.dumps(claims))
        assert caught.value.reason == reason

    @pytest.mark.parametrize("member", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 15])
    def test_missing(self, member: int) -> None:
        claims = cbor2.loads(encode_claims(make_claims()))
        del claims[-65537][member]

        with pytest.raises(MalformedEvidenceError):
            decode_claims(cbor2.dumps(claims))

    @pytest.mark.parametrize("label", [4, -65538])
    def test_another_claim(self, label: int) -> None:
        claims = cbor2.loads(encode_claims(make_claims())) | {label: 0}

        with pytest.raises(MalformedEvidenceError):
            decode_claims(cbor2.dumps(claims, canonical=True))

    @pytest.mark.parametrize(
        ("overall", "item", "accepted"),
        [
            (Conclusion.PASS, Conclusion.PASS, True),
            (Conclusion.FAIL, Conclusion.PASS, True),
            (Conclusion.CONDITIONAL, Conclusion.FAIL, True),
            (Conclusion.PASS, Conclusion.FAIL, False),
            (Conclusion.PASS, Conclusion.SUSPECT, False),
            (Conclusion.NOT_ASSESSED, Conclusion.PASS, False),
        ],
    )
    def test_an_inspection_is_never_better_than_its_items(
        self, overall: Conclusion, item: Conclusion, *, accepted: bool
    ) -> None:
        claims = replace(
            make_claims(),
            kind=DocumentKind.INSPECTION_RECORD,
            conclusion=overall,
            results=(ResultStub(1, item, accredited=False),),
        )
        if accepted:
            assert decode_claims(encode_claims(claims)) == claims
        else:
            with pytest.raises(MalformedEvidenceError) as caught:
                encode_claims(claims)
            assert caught.value.reason == "conclusion"

    @pytest.mark.parametrize(
        "changes",
        [
            {"conclusion": Conclusion.FAIL},
            {"results": ()},
            {"number": "N" * 65},
            {"goods": {"hs_code": "1" * 33}},
            {"goods": {"colour": "green"}},
            {"issued_at": -1},
        ],
        ids=str,
    )
    def test_nothing_unreadable_is_encoded(self, changes: dict[str, Any]) -> None:
        with pytest.raises(MalformedEvidenceError):
            encode_claims(replace(make_claims(), **changes))
