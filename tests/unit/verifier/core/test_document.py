from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import sample_documents
from verifier.core.document import (
    InvalidDocumentError,
    parse_document,
    validate_document,
    without_nulls,
)

DURIAN, CEMENT, TIN, INSPECTION = range(4)


def errors(document: object) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in validate_document(document)]


def put(document: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """Return a copy with one value changed; `...` removes it."""
    changed = deepcopy(document)
    *path, last = [int(part) if part.isdigit() else part for part in pointer[1:].split("/")]
    node: Any = changed
    for part in path:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return changed


@pytest.mark.parametrize("document", sample_documents(), ids=lambda each: each["number"])
def test_samples_are_right(document: dict[str, Any]) -> None:
    assert errors(document) == []
    checked = parse_document(document)
    assert checked.kind == document["kind"]
    assert checked.number == document["number"]
    assert checked.body == document["issuer"]["body"]
    assert checked.value == without_nulls(document)


def test_conclusions_of_the_samples() -> None:
    conclusions = [parse_document(each).conclusion.value for each in sample_documents()]

    assert conclusions == ["pass", "pass", "pass", "conditional"]


@pytest.mark.parametrize(
    ("sample", "pointer", "value", "expected"),
    [
        (DURIAN, "/kind", "Invoice", [("/kind", "not_allowed")]),
        (DURIAN, "/number", ..., [("/number", "required")]),
        (DURIAN, "/number", None, [("/number", "required")]),
        (DURIAN, "/colour", "red", [("/colour", "unknown_member")]),
        (DURIAN, "/results/0/colour", "red", [("/results/0/colour", "unknown_member")]),
        (DURIAN, "/results", [], [("/results", "too_few")]),
        (DURIAN, "/results/0/accredited", ..., [("/results/0/accredited", "required")]),
        (DURIAN, "/results/0/result/value", 0.018, [("/results/0/result/value", "float")]),
        (DURIAN, "/results/0/result/value", "0,018", [("/results/0/result/value", "decimal")]),
        (DURIAN, "/results/0/result/value", "1e-2", [("/results/0/result/value", "decimal")]),
        (DURIAN, "/results/0/result/value", ..., [("/results/0/result/value", "value_missing")]),
        (DURIAN, "/results/1/result/value", "0.02",
         [("/results/1/result/value", "value_unexpected")]),
        (DURIAN, "/results/0/unit", "", [("/results/0/unit", "empty")]),
        (DURIAN, "/results/0/unit", None, [("/results/0/unit", "unit_missing")]),
        (DURIAN, "/results/0/requirement/unit", ..., [("/results/0/requirement/unit",
                                                       "unit_missing")]),
        (DURIAN, "/results/1/loq", None, [("/results/1/loq", "loq_missing")]),
        (DURIAN, "/results/0/lod", "0.006", [("/results/0/lod", "lod_above_loq")]),
        (DURIAN, "/results/0/requirement/limit", "low", [("/results/0/requirement/limit",
                                                          "decimal")]),
        (DURIAN, "/results/0/requirement/operator", "range", [("/results/0/requirement/upper",
                                                               "upper_missing")]),
        (DURIAN, "/results/0/requirement/upper", "1", [("/results/0/requirement/upper",
                                                        "value_unexpected")]),
        (DURIAN, "/results/0/requirement", None, [("/results/0/requirement",
                                                   "requirement_missing")]),
        (DURIAN, "/results/0/decision_rule", None, [("/results/0/decision_rule",
                                                     "decision_rule_missing")]),
        (DURIAN, "/results/0/conclusion", "suspect", [("/results/0/conclusion", "not_allowed")]),
        (DURIAN, "/consignment/hs_code", "81", [("/consignment/hs_code", "hs_code")]),
        (DURIAN, "/consignment/hs_edition", None, [("/consignment/hs_edition",
                                                    "hs_edition_missing")]),
        (DURIAN, "/consignment/origin", "Thailand", [("/consignment/origin", "too_long")]),
        (DURIAN, "/consignment/origin", "th", [("/consignment/origin", "country")]),
        (DURIAN, "/consignment/packages/count", 1140.0, [("/consignment/packages/count",
                                                          "float")]),
        (DURIAN, "/customer/name", "<b>ACME</b>", [("/customer/name", "markup")]),
        (DURIAN, "/customer/name", "\u202eACME", [("/customer/name", "control_character")]),
        (DURIAN, "/customer/name", "e\u0301", [("/customer/name", "not_nfc")]),
        (DURIAN, "/dates/issued", "2026-02-11T18:05:00", [("/dates/issued", "date")]),
        (DURIAN, "/dates/issued", "2026-02-31", [("/dates/issued", "date")]),
        (DURIAN, "/dates/tested_to", "2026-02-09",
         [("/dates/tested_to", "dates_contradict"), ("/dates/tested_to", "dates_contradict")]),
        (DURIAN, "/dates/issued", "2026-02-09T00:00:00Z", [("/dates/issued", "dates_contradict")]),
        (DURIAN, "/dates/valid_until", "2026-02-01", [("/dates/valid_until",
                                                       "dates_contradict")]),
        (DURIAN, "/sampling/date", "2026-03-01", [("/dates/received", "dates_contradict")]),
        (DURIAN, "/revision", 2, [("/replaces", "replaces_missing")]),
        (TIN, "/replaces/number", "DEMO-YN-2026-8001100-000009", [("/replaces/number",
                                                                   "replaces_itself")]),
        (TIN, "/replaces/reason", None, [("/replaces/reason", "required")]),
        (TIN, "/replaces/leaf", "A" * 42 + "B", [("/replaces/leaf", "leaf")]),
        (INSPECTION, "/checklist/0/result", "maybe", [("/checklist/0/result", "not_allowed")]),
        (INSPECTION, "/checklist/0/photos/0/sha256", "00", [("/checklist/0/photos/0/sha256",
                                                             "sha256")]),
        (INSPECTION, "/conclusions", [], [("/conclusions", "too_few")]),
        (INSPECTION, "/disposition/outcome", "shrug", [("/disposition/outcome", "not_allowed")]),
        (INSPECTION, "/dates/ended", "2026-05-10T12:00:00+08:00", [("/dates/ended",
                                                                    "dates_contradict")]),
        (INSPECTION, "/task/participants/0/response_due", "2 hours",
         [("/task/participants/0/response_due", "duration")]),
    ],
)  # fmt: skip
def test_each_error_has_its_place_and_code(
    sample: int, pointer: str, value: Any, expected: list[tuple[str, str]]
) -> None:
    assert errors(put(sample_documents()[sample], pointer, value)) == expected


@pytest.mark.parametrize("value", [None, [], "text", 5, {}], ids=repr)
def test_what_is_no_document_is_said_to_be_none(value: object) -> None:
    assert len(errors(value)) == 1


def test_every_error_is_reported_in_one_go() -> None:
    document = sample_documents()[DURIAN]
    document = put(document, "/number", "")
    document = put(document, "/results/2/unit", None)
    document = put(document, "/results/6/conclusion", "fine")
    document = put(document, "/consignment/origin", "th")
    document["extra"] = 1

    with pytest.raises(InvalidDocumentError, match="and 4 more") as caught:
        parse_document(document)

    assert {problem.pointer for problem in caught.value.problems} == {
        "/number", "/results/2/unit", "/results/6/conclusion", "/consignment/origin", "/extra",
    }  # fmt: skip
    assert all(problem.message for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        pytest.param("/results/0/result", {"type": "not_detected", "reported": "ND"}, id="ND"),
        pytest.param("/results/0/requirement", {"operator": "==", "limit": "pass",
                                                "standard": "GB 175-2023"}, id="a word as limit"),
        pytest.param("/results/0/requirement", {
            "operator": "range", "limit": "1", "upper": "2", "unit": "mg/kg", "standard": "GB 1",
        }, id="a range"),
        pytest.param("/dates/tested_from", "2026-02-10", id="same day as received"),
        pytest.param("/consignment/hs_code", "081060", id="HS without dots"),
        pytest.param("/marks", ["CNAS", "CMA", "ILAC-MRA"], id="marks"),
        pytest.param("/deviations", ["Blended at 4 °C.\nSee annex."], id="deviations"),
    ],
)  # fmt: skip
def test_other_right_values(pointer: str, value: Any) -> None:
    assert errors(put(sample_documents()[DURIAN], pointer, value)) == []


def test_a_result_without_requirement_is_not_assessed() -> None:
    document = put(sample_documents()[DURIAN], "/results/0/requirement", None)
    document = put(document, "/results/0/decision_rule", None)

    assert errors(put(document, "/results/0/conclusion", "not_assessed")) == []


def leaves(value: Any, pointer: str = "") -> Iterator[str]:
    members = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    for name, inner in members:
        yield f"{pointer}/{name}"
        yield from leaves(inner, f"{pointer}/{name}")


ALL_LEAVES = [(at, leaf) for at, each in enumerate(sample_documents()) for leaf in leaves(each)]
WRONG = st.sampled_from(
    [5, -1, 0.5, True, None, "", " ", "<p>x</p>", "\u202e", "x" * 5000, [], {}, [None], {"a": 1}]
) | st.text(max_size=5)


@given(st.sampled_from(ALL_LEAVES), WRONG)
def test_any_wrong_value_anywhere_is_answered_not_raised(
    place: tuple[int, str], value: Any
) -> None:
    sample, pointer = place
    document = put(sample_documents()[sample], pointer, value)

    found = validate_document(document)

    if not found:
        parse_document(document)
    for problem in found:
        assert problem.pointer == "" or problem.pointer.startswith("/")
