"""Claims of accreditation against what the party recorded, at the test and at the anchor."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.support.check_builders import (
    ANCHORED,
    BODY,
    DAY,
    NOW,
    REGISTERED,
    TESTED,
    anchored,
    body_facts,
    claims,
    result_claim,
    scope_bytes,
    scope_fact,
    scope_row,
    status_fact,
)
from verifier.checks.accredited import check_accredited
from verifier.checks.evidence import Claims, Form, Goods, NotAnchored
from verifier.checks.evidence import TestDates as Dates
from verifier.checks.facts import BodyFacts, BodyKind, BodyState, Unavailable
from verifier.checks.finding import Finding, Status
from verifier.core.field_policy import DocumentKind

ACTIVE, SUSPENDED, WITHDRAWN = BodyState
SCOPE = scope_bytes(scope_row())
PLAIN = result_claim(accredited=False)


def named(*documents: bytes) -> dict[bytes, bytes]:
    return {hashlib.sha256(document).digest(): document for document in documents}


def scoped(document: bytes = SCOPE, **changes: Any) -> BodyFacts:
    return body_facts(scopes=(scope_fact(hashlib.sha256(document).digest()),), **changes)


def check(
    what: Claims | None = None,
    body: BodyFacts | None = None,
    *,
    anchoring: Any = None,
    documents: dict[bytes, bytes] | None = None,
    demonstration: bool = False,
) -> Finding:
    return check_accredited(
        what or claims(),
        body or scoped(),
        anchoring or anchored(),
        documents=named(SCOPE) if documents is None else documents,
        demonstration_profile=demonstration,
        moment=NOW,
    )


def with_row(**changes: object) -> Finding:
    document = scope_bytes(scope_row(**changes))
    return check(body=scoped(document), documents=named(document))


def with_detail(detail: dict[str, Any] | None, **changes: Any) -> Finding:
    return check(claims(results=(result_claim(detail=detail),), **changes))


def test_a_claim_that_the_scope_covers_passes() -> None:
    assert check().code == "ok"


class TestMatching:
    @pytest.mark.parametrize(
        ("listed", "used", "covered"),
        [
            pytest.param("GB/T 176-2017", "GB/T 176-2017", True, id="same edition"),
            pytest.param("GB/T  176-2017", "GB/T 176-2017", True, id="white space"),
            pytest.param("GB/T 176-2017", "GB/T 176-2008", False, id="another edition"),
            pytest.param("GB/T 176-2017", "GB/T 176", False, id="edition not stated"),
            pytest.param("GB/T 176", "GB/T 176-2017", True, id="undated scope, dated result"),
            pytest.param("ISO 679", "ISO 679:2009", True, id="colon before the year"),
            pytest.param("GB/T 3260", "GB/T 3260", True, id="undated both"),
            pytest.param("GB/T 3260", "GB/T 3260.4-2013", True, id="a part of an undated series"),
            pytest.param("ISO 8124", "ISO 8124-1:2014", True, id="a part behind a hyphen"),
            pytest.param("GB 5009.1", "GB 5009.15-2023", False, id="a prefix is no part"),
            pytest.param("GB 175-92", "GB 175-92.1", False, id="two-digit year is dated"),
        ],
    )
    def test_methods(self, listed: str, used: str, *, covered: bool) -> None:
        document = scope_bytes(scope_row(method=listed))
        result = result_claim(detail={"parameter": {"code": "MGO"}, "method": {"standard": used}})

        finding = check(claims(results=(result,)), scoped(document), documents=named(document))

        assert finding.code == ("ok" if covered else "false_claim")

    @pytest.mark.parametrize(
        ("changes", "covered"),
        [
            pytest.param({"hs": "2523.29"}, True, id="heading above the code"),
            pytest.param({"hs": "252329"}, True, id="without points"),
            pytest.param({"hs": "2523.29.00.10"}, False, id="narrower than the goods"),
            pytest.param({"hs": "2523.30.00"}, False, id="other goods"),
            pytest.param({"hs": None}, True, id="by name of the product"),
            pytest.param({"hs": None, "product": "Lime"}, False, id="another name"),
            pytest.param({"parameter": "SO3"}, False, id="another parameter"),
            pytest.param({"until": None}, True, id="open end"),
            pytest.param({"from": "2026-11-18"}, True, id="begins on the day of the test"),
            pytest.param({"from": "2026-11-19"}, False, id="begins the day after"),
            pytest.param({"until": "2026-11-18"}, False, id="ended before the test"),
            pytest.param({"until": "2026-11-19"}, False, id="ended before the anchor"),
        ],
    )
    def test_rows(self, changes: dict[str, object], *, covered: bool) -> None:
        assert with_row(**changes).code == ("ok" if covered else "false_claim")

    @pytest.mark.parametrize("detail", [{}, {"parameter": {"code": "MGO"}}, {"method": "GB/T 176"}])
    def test_accredited_without_method_is_covered_by_nothing(self, detail: dict[str, Any]) -> None:
        assert with_detail(detail).code == "false_claim"

    def test_goods_without_a_code_are_compared_by_name(self) -> None:
        named_only = Goods(hs_code=None, descriptions=("ordinary portland  CEMENT",), stated=True)

        assert check(claims(goods=named_only)).code == "ok"

    def test_withheld_goods_prove_nothing_against_the_claim(self) -> None:
        withheld = Goods(hs_code=None, descriptions=(), stated=False)

        assert check(claims(goods=withheld)).code == "scope_not_disclosed"

    def test_withheld_goods_do_not_excuse_a_method_outside_the_scope(self) -> None:
        withheld = Goods(hs_code=None, descriptions=(), stated=False)
        other = {"parameter": {"code": "SO3"}, "method": {"standard": "GB/T 176-2017"}}

        assert with_detail(other, goods=withheld).code == "false_claim"


class TestFalseClaim:
    def test_names_the_results(self) -> None:
        other = {"parameter": {"code": "SO3"}, "method": {"standard": "GB/T 176-2017"}}
        results = (result_claim(1), result_claim(2, detail=other))

        finding = check(claims(results=results))

        assert finding.status is Status.FAIL
        assert finding.data["results"] == [2]

    def test_a_body_that_never_had_a_scope(self) -> None:
        assert check(body=body_facts()).code == "false_claim"

    def test_that_is_certain_even_if_the_method_is_withheld(self) -> None:
        assert (
            check(claims(results=(result_claim(detail=None),)), body_facts()).code == "false_claim"
        )

    def test_a_scope_that_does_not_reach_the_test(self) -> None:
        late = scope_fact(hashlib.sha256(SCOPE).digest(), effective_from=TESTED + 1)

        assert check(body=body_facts(scopes=(late,))).code == "false_claim"

    def test_not_on_record_as_active_when_anchored(self) -> None:
        later = status_fact(ACTIVE, ANCHORED + 1)

        finding = check(body=scoped(statuses=(later,)))

        assert (finding.code, finding.data["reason"]) == ("false_claim", "not_active_when_anchored")


class TestUnknown:
    def test_a_missing_document(self) -> None:
        finding = check(documents={})

        assert (finding.status, finding.code) == (Status.UNKNOWN, "scope_not_supplied")

    def test_a_document_under_a_name_that_is_not_its_own(self) -> None:
        forged = {hashlib.sha256(SCOPE).digest(): scope_bytes(scope_row(parameter="ALL"))}

        assert check(documents=forged).code == "scope_not_supplied"

    @pytest.mark.parametrize(
        "document",
        [b"{}", b"no json", scope_bytes(scope_row(), body="00" * 32), scope_bytes({"hs": 1}),
         scope_bytes(scope_row(hs=""))],
        ids=["empty", "no json", "of another body", "malformed row", "code that covers all"],
    )  # fmt: skip
    def test_what_the_chain_names_cannot_be_read(self, document: bytes) -> None:
        assert check(body=scoped(document), documents=named(document)).code == "scope_unreadable"

    def test_a_proven_falsehood_outweighs_a_missing_document(self) -> None:
        digest = hashlib.sha256(SCOPE).digest()
        narrow = scope_bytes(scope_row(parameter="SO3"))
        body = body_facts(
            scopes=(
                scope_fact(digest, effective_until=TESTED + DAY),
                scope_fact(hashlib.sha256(narrow).digest(), effective_from=TESTED + DAY),
            )
        )

        assert check(body=body, documents=named(narrow)).code == "false_claim"


class TestWhichRecordGoverns:
    def test_the_last_recorded_scope_that_covers_the_day(self) -> None:
        narrow = scope_bytes(scope_row(parameter="SO3"))
        first = scope_fact(hashlib.sha256(SCOPE).digest())
        second = scope_fact(hashlib.sha256(narrow).digest(), recorded_at=REGISTERED + DAY)

        assert (
            check(body=body_facts(scopes=(first, second)), documents=named(SCOPE, narrow)).code
            == "false_claim"
        )
        assert (
            check(body=body_facts(scopes=(second, first)), documents=named(SCOPE, narrow)).code
            == "ok"
        )

    def test_a_change_inside_the_days_of_the_test_counts(self) -> None:
        narrow = scope_bytes(scope_row(parameter="SO3"))
        for_an_hour = scope_fact(
            hashlib.sha256(narrow).digest(),
            effective_from=TESTED + 3600,
            effective_until=TESTED + 7200,
        )
        body = scoped()
        body = body_facts(scopes=(*body.scopes, for_an_hour))

        assert check(body=body, documents=named(SCOPE, narrow)).code == "false_claim"

    @pytest.mark.parametrize(
        ("state", "code"), [(SUSPENDED, "body_suspended"), (WITHDRAWN, "body_withdrawn")]
    )
    @pytest.mark.parametrize(
        ("since", "at"),
        [
            pytest.param(TESTED + DAY - 1, "test", id="in the last second of the test"),
            pytest.param(ANCHORED, "anchor", id="when anchored"),
            pytest.param(ANCHORED + 1, None, id="afterwards"),
        ],
    )
    def test_suspended_or_withdrawn(
        self, state: BodyState, code: str, since: int, at: str | None
    ) -> None:
        active = status_fact(ACTIVE, REGISTERED)
        back_from = status_fact(ACTIVE, TESTED + DAY)
        history = (active, status_fact(state, since))
        if at == "test":
            history = (*history, back_from)

        finding = check(body=scoped(statuses=history))

        assert finding.code == (code if at else "ok")
        assert finding.data.get("at") == at

    def test_a_withdrawal_can_be_recorded_later_for_an_earlier_time(self) -> None:
        history = (
            status_fact(ACTIVE, REGISTERED),
            status_fact(WITHDRAWN, TESTED - DAY, recorded=NOW),
        )

        assert check(body=scoped(statuses=history)).code == "body_withdrawn"

    def test_an_unanchored_document_needs_an_active_body_now(self) -> None:
        history = (status_fact(ACTIVE, REGISTERED), status_fact(SUSPENDED, NOW))

        finding = check(body=scoped(statuses=history), anchoring=NotAnchored())

        assert finding.code == "body_suspended"

    def test_an_unknown_anchor_leaves_the_test_to_be_judged(self) -> None:
        history = (status_fact(ACTIVE, REGISTERED), status_fact(SUSPENDED, NOW))
        unknown = Unavailable("proof_not_supplied")

        assert check(body=scoped(statuses=history), anchoring=unknown).code == "ok"


class TestNotes:
    def test_no_claim(self) -> None:
        assert check(claims(results=(PLAIN,)), body_facts()).code == "no_claim"

    def test_no_claim_of_a_suspended_body_is_still_no_claim(self) -> None:
        suspended = body_facts(statuses=(status_fact(SUSPENDED, REGISTERED),))

        assert check(claims(results=(PLAIN,)), suspended).code == "no_claim"

    def test_partly_accredited_names_the_others(self) -> None:
        finding = check(claims(results=(result_claim(1), result_claim(2, accredited=False))))

        assert finding.code == "partly_accredited"
        assert finding.data["not_accredited"] == [2]

    @pytest.mark.parametrize(
        ("recorded", "code"),
        [(TESTED + DAY - 1, "ok"), (TESTED + DAY, "recorded_later"), (NOW, "recorded_later")],
    )
    def test_a_scope_recorded_after_the_test(self, recorded: int, code: str) -> None:
        late = scope_fact(hashlib.sha256(SCOPE).digest(), recorded_at=recorded)

        assert check(body=body_facts(scopes=(late,))).code == code

    def test_a_body_recorded_after_the_test(self) -> None:
        late = status_fact(ACTIVE, TESTED + DAY + 1)

        assert check(body=scoped(statuses=(late,))).code == "recorded_later"

    def test_several_notes_in_a_fixed_order(self) -> None:
        late = scope_fact(hashlib.sha256(SCOPE).digest(), recorded_at=NOW)
        results = (result_claim(1), result_claim(2, accredited=False))

        finding = check(claims(results=results, demonstration=True), body_facts(scopes=(late,)))

        assert finding.code == "demonstration_document"
        assert finding.data["notes"] == [
            "demonstration_document",
            "partly_accredited",
            "recorded_later",
        ]

    def test_a_demonstration_belongs_to_a_demonstration_profile(self) -> None:
        assert check(claims(demonstration=True), demonstration=True).code == "ok"

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"results": (result_claim(detail=None),)}, id="method"),
            pytest.param({"dates": None}, id="dates"),
            pytest.param(
                {"form": Form.SUMMARY, "dates": None, "results": (result_claim(detail=None),)},
                id="summary",
            ),
        ],
    )
    def test_what_is_not_shown_is_a_note(self, changes: dict[str, Any]) -> None:
        assert check(claims(**changes), documents={} if "results" in changes else None).code == (
            "scope_not_disclosed"
        )


class TestInspectionOffice:
    RECORD = claims(kind=DocumentKind.INSPECTION_RECORD, results=(PLAIN,))

    def office(self, **changes: Any) -> BodyFacts:
        return body_facts(kind=BodyKind.INSPECTION_OFFICE, **changes)

    def test_is_designated_by_its_party(self) -> None:
        assert check(self.RECORD, self.office()).code == "designated_office"

    def test_registered_after_the_inspection(self) -> None:
        office = self.office(statuses=(status_fact(ACTIVE, TESTED + DAY),))

        finding = check(self.RECORD, office)

        assert finding.code == "recorded_later"
        assert finding.data["basis"] == "designated_office"

    def test_never_recorded_as_active(self) -> None:
        assert check(self.RECORD, self.office(statuses=())).code == "false_claim"

    @pytest.mark.parametrize("state", [SUSPENDED, WITHDRAWN])
    def test_suspended_or_withdrawn(self, state: BodyState) -> None:
        office = self.office(statuses=(status_fact(state, REGISTERED),))

        assert check(self.RECORD, office).status is Status.FAIL

    def test_a_laboratory_is_no_office(self) -> None:
        assert check(self.RECORD, body_facts()).code == "no_claim"

    def test_an_office_that_tests_claims_nothing_by_its_designation(self) -> None:
        assert check(claims(results=(PLAIN,)), self.office()).code == "no_claim"

    def test_moments_instead_of_days(self) -> None:
        record = claims(
            kind=DocumentKind.INSPECTION_RECORD,
            results=(PLAIN,),
            dates=Dates(start=TESTED, end=TESTED + 1),
        )

        assert check(record, self.office()).code == "designated_office"


def test_the_body_id_of_the_builders_is_that_of_the_scope() -> None:
    assert BODY.hex().encode() in SCOPE
