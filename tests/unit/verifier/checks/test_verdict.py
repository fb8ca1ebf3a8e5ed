"""The fold of ten findings into one word: its whole table, and arbitrary lists of findings."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.checks.finding import Finding, Line, Status
from verifier.checks.verdict import Overall, fold

DECISIVE = {"unchanged", "signed", "accredited", "time_stamped", "not_revoked", "in_date"}
REQUIRED = {*DECISIVE, "complete"}
USE = ("recognised", "quantity_available", "matches_goods")

# None stands for a line that is left out.
Answer = Status | None
ANSWERS: tuple[Answer, ...] = (None, *Status)


def findings(answers: dict[str, Answer]) -> list[Finding]:
    return [
        Finding(line=Line(line), status=status, code="any")
        for line, status in answers.items()
        if status is not None
    ]


def by_the_rules(answers: dict[str, Answer]) -> str:
    """The five rules, read aloud; slow and independent of the code under test."""
    if any(answers[line] == "fail" for line in DECISIVE):
        return "not_valid"
    if any(answers[line] not in ("pass", "note") for line in REQUIRED):
        return "cannot_confirm"
    noted = "note" in answers.values()
    worth = any(
        answers[line] in ("fail", "unknown") for line in ("recognised", "quantity_available")
    )
    if noted or worth or answers["matches_goods"] == "fail":
        return "valid_with_notes"
    return "valid"


# Statuses that the rules cannot tell apart on a line, one representative each; that they cannot is
# what the tests of single lines below show for every status.
DECISIVE_CLASSES = (Status.PASS, Status.NOTE, Status.FAIL, Status.UNKNOWN)
COMPLETE_CLASSES = (Status.PASS, Status.NOTE, Status.UNKNOWN)
WORTH_CLASSES = (Status.PASS, Status.NOTE, Status.FAIL)
GOODS_CLASSES = (Status.PASS, Status.NOTE, Status.FAIL)


def test_whole_table_of_the_required_lines() -> None:
    for six in itertools.product(DECISIVE_CLASSES, repeat=6):
        for complete in COMPLETE_CLASSES:
            answers: dict[str, Answer] = dict(zip(sorted(DECISIVE), six, strict=True))
            answers |= {"complete": complete} | dict.fromkeys(USE, Status.PASS)
            assert fold(findings(answers)) == by_the_rules(answers), answers


def test_whole_table_of_the_other_lines_under_every_genuine_document() -> None:
    for seven in itertools.product((Status.PASS, Status.NOTE), repeat=7):
        for use in itertools.product(WORTH_CLASSES, WORTH_CLASSES, GOODS_CLASSES):
            answers: dict[str, Answer] = dict(zip(sorted(REQUIRED), seven, strict=True))
            answers |= dict(zip(USE, use, strict=True))
            assert fold(findings(answers)) == by_the_rules(answers), answers


@pytest.mark.parametrize("line", sorted(REQUIRED))
@pytest.mark.parametrize("status", ANSWERS)
def test_one_line_out_of_step_decides(line: str, status: Answer) -> None:
    answers: dict[str, Answer] = dict.fromkeys(map(str, Line), Status.PASS)
    answers[line] = status

    assert fold(findings(answers)) == by_the_rules(answers)


def test_every_status_of_the_lines_about_use_under_every_status_of_one_required_line() -> None:
    for signed, *use in itertools.product(ANSWERS, repeat=4):
        answers: dict[str, Answer] = dict.fromkeys(sorted(REQUIRED), Status.PASS)
        answers |= {"signed": signed} | dict(zip(USE, use, strict=True))

        assert fold(findings(answers)) == by_the_rules(answers), answers


@given(st.fixed_dictionaries({line.value: st.sampled_from(ANSWERS) for line in Line}), st.randoms())
def test_every_table_follows_the_rules_in_any_order(
    answers: dict[str, Answer], random: object
) -> None:
    shuffled = findings(answers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert fold(shuffled) == by_the_rules(answers)


@given(st.fixed_dictionaries({line.value: st.sampled_from(ANSWERS) for line in Line}))
def test_nothing_gets_better_by_leaving_a_line_out(answers: dict[str, Answer]) -> None:
    order = [
        Overall.NOT_VALID,
        Overall.CANNOT_CONFIRM,
        Overall.VALID_WITH_NOTES,
        Overall.VALID,
    ]
    for line in REQUIRED:
        if answers[line] == Status.FAIL and line != "complete":
            continue  # what failed is no longer known; the rest must still not pass
        without = answers | {line: None}
        assert order.index(fold(findings(without))) <= order.index(fold(findings(answers)))


def test_nothing_at_all_is_not_valid_enough() -> None:
    assert fold([]) is Overall.CANNOT_CONFIRM


def test_a_second_finding_on_a_line_cannot_hide_the_first() -> None:
    good = findings(dict.fromkeys(map(str, Line), Status.PASS))
    bad = Finding(line=Line.SIGNED, status=Status.FAIL, code="any")

    assert fold([bad, *good]) is Overall.NOT_VALID
    assert fold([*good, bad]) is Overall.NOT_VALID


def test_foreign_input_is_neither_good_nor_bad() -> None:
    assert fold([], ours=False) is Overall.NOT_OURS
    failed = findings(dict.fromkeys(map(str, Line), Status.FAIL))
    assert fold(failed, ours=False) is Overall.NOT_OURS
