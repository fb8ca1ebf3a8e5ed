"""The field map from a certificate to its summary, and what counts as a difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.summaries import BODY, ISSUED_AT, LEAF, make_claims, make_view
from verifier.core.conclusions import (
    ITEM_CONCLUSIONS,
    TEST_CONCLUSIONS,
    Conclusion,
    overall_of_inspection,
    overall_of_tests,
)
from verifier.core.errors import MalformedEvidenceError
from verifier.core.field_policy import DocumentKind
from verifier.core.ids import StatusEntry
from verifier.core.summary import (
    GOODS_FIELDS,
    ResultStub,
    SummaryClaims,
    shorten,
    summary_differences,
    summary_of,
)
from verifier.core.summary_claims import decode_claims, encode_claims

SAFE = 2**53 - 1
GOODS = st.text("ABCxyz019-鲜ກ", max_size=10)
RESULTS = tuple(ResultStub(Conclusion.PASS, accredited=number != 3) for number in range(1, 8))
TIMES = st.integers(0, SAFE)
STATUS = st.integers(0, 2**32 - 1)


def results_of(conclusions: tuple[Conclusion, ...]) -> st.SearchStrategy[tuple[ResultStub, ...]]:
    stub = st.builds(ResultStub, st.sampled_from(conclusions), st.booleans())
    return st.lists(stub, min_size=1, max_size=30).map(tuple)


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


def withhold(view: dict[str, Any], *names: str) -> dict[str, Any]:
    """Do what dropping disclosures does: the fields go, and the list of contents with them."""
    subject = view["credentialSubject"]
    for name in names:
        del subject["consignment"][name]
    del subject["contents"]
    return view


class TestFieldMap:
    def test_durian(self) -> None:
        assert make_claims() == SummaryClaims(
            issued_at=ISSUED_AT,
            kind=DocumentKind.TEST_CERTIFICATE,
            number="DEMO-KM-2026-0081060-000123",
            party="CN",
            body=BODY,
            certificate=LEAF,
            certificate_issued_at=1_770_804_300,
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
        view = withhold(make_view(), "container_no", "net_mass", "description")
        claims = summary_of(view, leaf=LEAF, issued_at=ISSUED_AT, destination="LA")

        assert set(claims.goods) == {"hs_code", "origin", "lot_no"}
        assert claims.destination == "LA"

    def test_document_without_consignment(self) -> None:
        view = make_view()
        del view["credentialSubject"]["consignment"]

        assert summary_of(view, leaf=LEAF, issued_at=ISSUED_AT).goods == {}

    @pytest.mark.parametrize(
        ("description", "expected"),
        [
            pytest.param({"zh": "水泥", "lo": "ຊີມັງ"}, "ຊີມັງ", id="first code without English"),
            pytest.param({"zh": "水泥", "en": "Cement"}, "Cement", id="English"),
            pytest.param("Cement", "Cement", id="plain text"),
        ],
    )
    def test_language_of_the_description(self, description: object, expected: str) -> None:
        view = make_view()
        view["credentialSubject"]["consignment"]["description"] = description

        claims = summary_of(view, leaf=LEAF, issued_at=ISSUED_AT)
        assert claims.goods["description"] == expected

    def test_end_of_validity(self) -> None:
        view = make_view() | {"validUntil": "2027-02-11T10:05:00Z"}
        claims = summary_of(view, leaf=LEAF, issued_at=ISSUED_AT)

        assert claims.valid_until == 1_770_804_300 + 365 * 86400

    @pytest.mark.parametrize(
        "spoil",
        [
            pytest.param(lambda view: view.pop("issuer"), id="no issuer"),
            pytest.param(lambda view: view["issuer"].update(body="00"), id="body id"),
            pytest.param(lambda view: view["issuer"].update(party="cn"), id="party id"),
            pytest.param(lambda view: view.update(type=["VerifiableCredential"]), id="no kind"),
            pytest.param(lambda view: view["type"].append("InspectionRecord"), id="two kinds"),
            pytest.param(lambda view: view.update(iat="1"), id="iat is text"),
            pytest.param(lambda view: view.update(validFrom="2026-02-11T10:05:00"), id="no offset"),
            pytest.param(lambda view: view.update(validFrom="yesterday"), id="no time"),
            pytest.param(
                lambda view: view["credentialStatus"].update(statusListIndex="²"), id="index"
            ),
            pytest.param(
                lambda view: view["credentialStatus"].update(
                    statusListCredential=f"urn:lancang:status:{'00' * 32}:0"
                ),
                id="status list of another body",
            ),
            pytest.param(
                lambda view: view["credentialSubject"].update(results=[{"conclusion": "pass"}]),
                id="result without its mark",
            ),
            pytest.param(
                lambda view: view["credentialSubject"]["consignment"].update(lot_no=7),
                id="lot is a number",
            ),
        ],
    )
    def test_what_is_no_certificate(self, spoil: Callable[[dict[str, Any]], object]) -> None:
        view = make_view()
        spoil(view)

        with pytest.raises(MalformedEvidenceError):
            summary_of(view, leaf=LEAF, issued_at=ISSUED_AT)


class TestShortening:
    @given(st.text(), st.integers(3, 80))
    def test_never_longer_and_never_broken(self, text: str, longest: int) -> None:
        short = shorten(text, longest=longest)

        assert len(short.encode()) <= longest
        assert short == text or (short.endswith("…") and text.startswith(short[:-1]))

    def test_cut_between_characters(self) -> None:
        assert shorten("鲜榴莲鲜榴莲", longest=14) == "鲜榴莲…"
        assert shorten("鲜榴莲", longest=9) == "鲜榴莲"


class TestDifferences:
    def test_none_with_its_own_certificate(self) -> None:
        assert summary_differences(make_claims(), make_view(), leaf=LEAF) == ()

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
            ({"results": (ResultStub(Conclusion.PASS, accredited=True),)}, "results"),
            ({"demonstration": False}, "demonstration"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_every_field_counts(self, changes: dict[str, Any], named: str) -> None:
        claims = replace(make_claims(), **changes)

        assert summary_differences(claims, make_view(), leaf=LEAF) == (named,)

    @pytest.mark.parametrize("field", GOODS_FIELDS, ids=lambda field: field.name)
    def test_every_text_of_the_goods_counts(self, field: Any) -> None:
        claims = make_claims()
        claims = replace(claims, goods={**claims.goods, field.name: "other"})

        assert summary_differences(claims, make_view(), leaf=LEAF) == (f"goods.{field.name}",)

    def test_what_the_view_withholds_cannot_be_compared(self) -> None:
        view = withhold(make_view(), "lot_no", "net_mass")

        assert summary_differences(make_claims(), view, leaf=LEAF) == ()

    def test_what_the_whole_certificate_does_not_have_was_invented(self) -> None:
        view = make_view()
        del view["credentialSubject"]["consignment"]["lot_no"]

        assert summary_differences(make_claims(), view, leaf=LEAF) == ("goods.lot_no",)

    @pytest.mark.parametrize(("destination", "expected"), [("LA", ()), (None, ("goods.lot_no",))])
    def test_only_a_summary_for_a_destination_may_leave_out(
        self, destination: str | None, expected: tuple[str, ...]
    ) -> None:
        claims = make_claims(destination)
        goods = {name: text for name, text in claims.goods.items() if name != "lot_no"}

        differences = summary_differences(replace(claims, goods=goods), make_view(), leaf=LEAF)
        assert differences == expected

    def test_when_the_summary_was_made_is_its_own_affair(self) -> None:
        claims = replace(make_claims("LA"), issued_at=1)

        assert summary_differences(claims, make_view(), leaf=LEAF) == ()


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
                5: LEAF,
                6: 1_770_804_300,
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
            pytest.param(6, False, "type", id="time is false"),
            pytest.param(7, 2**32, "status", id="list number"),
            pytest.param(8, -1, "status", id="index"),
            pytest.param(9, "pass", "type", id="conclusion in words"),
            pytest.param(9, 99, "value", id="overall conclusion without meaning"),
            pytest.param(9, 1, "conclusion", id="fail over results that all pass"),
            pytest.param(10, None, "type", id="null instead of absent"),
            pytest.param(12, "", "party", id="empty destination"),
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
            results=(ResultStub(item, accredited=False),),
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
