"""What a run must call wrong, and what it must bear."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from scripts.hammer.memory import Memory, Place, Promise, WrongAnswerError
from verifier.checks.finding import Finding, Line, Status
from verifier.checks.verdict import Overall
from verifier.report import Report

PATIENCE = 60.0
HERE: Place = (31337, "0x" + "11" * 20, "root", 7)
THERE: Place = (31337, "0x" + "11" * 20, "other root", 7)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Run:
    clock: Clock
    memory: Memory
    promise: Promise

    def verdict(self, overall: Overall, *, revoked: bool = False, place: Place = HERE) -> None:
        self.memory.note_verdict(self.promise, place, report(overall, revoked=revoked))

    def wrong(self, overall: Overall, *, revoked: bool = False, place: Place = HERE) -> str:
        with pytest.raises(WrongAnswerError) as caught:
            self.verdict(overall, revoked=revoked, place=place)
        return caught.value.code


@pytest.fixture
def run() -> Run:
    clock = Clock()
    memory = Memory(patience=PATIENCE, clock=clock)
    return Run(clock, memory, memory.acknowledge("an id", "a leaf"))


def report(overall: Overall, *, revoked: bool = False) -> Report:
    status = Status.FAIL if revoked else Status.PASS
    finding = Finding(line=Line.NOT_REVOKED, status=status, code="revoked" if revoked else "ok")
    return Report(
        overall=overall,
        findings=(finding,),
        then=None,
        document=None,
        anchor=None,
        head=None,
        profile=None,
        checked_at=1_790_000_000,
    )


VALID, NOTES = Overall.VALID, Overall.VALID_WITH_NOTES
NOT_VALID, CANNOT, NOT_OURS = Overall.NOT_VALID, Overall.CANNOT_CONFIRM, Overall.NOT_OURS


@pytest.mark.parametrize("overall", [VALID, NOTES])
def test_a_genuine_certificate_is_kept_and_its_delay_measured(run: Run, overall: Overall) -> None:
    run.clock.now = 12.5
    run.verdict(overall)
    run.clock.now = 99.0
    run.verdict(overall)

    assert (run.memory.kept, run.memory.verdicts, run.promise.final_after) == (1, 2, 12.5)


@pytest.mark.parametrize("overall", [NOT_VALID, CANNOT, NOT_OURS])
def test_anything_else_about_it_is_wrong(run: Run, overall: Overall) -> None:
    assert run.wrong(overall) == "false_invalid"
    assert run.memory.kept == 0


def test_a_certificate_that_nobody_revoked_is_not_revoked(run: Run) -> None:
    assert run.wrong(NOT_VALID, revoked=True) == "false_invalid"


def test_a_revocation_may_take_its_time_but_not_for_ever(run: Run) -> None:
    run.promise.revoked_at = 0.0
    run.clock.now = PATIENCE
    run.verdict(NOTES)
    run.clock.now = PATIENCE + 0.1
    assert run.wrong(NOTES) == "false_valid"


def test_a_revocation_does_not_disappear(run: Run) -> None:
    run.promise.revoked_at = 0.0
    run.verdict(NOT_VALID, revoked=True)
    assert run.memory.revoked == 1
    assert run.wrong(NOTES) == "revived"


def test_a_revoked_certificate_is_not_broken_in_another_way(run: Run) -> None:
    run.promise.revoked_at = 0.0
    assert run.wrong(NOT_VALID) == "false_invalid"


def test_a_certificate_is_anchored_in_one_place(run: Run) -> None:
    run.verdict(VALID)
    assert run.wrong(VALID, place=THERE) == "moved"


def test_an_anchor_that_was_final_stays(run: Run) -> None:
    run.memory.note_pending(run.promise)
    run.verdict(VALID)
    with pytest.raises(WrongAnswerError) as caught:
        run.memory.note_pending(run.promise)
    assert caught.value.code == "moved"


def test_waiting_has_an_end(run: Run) -> None:
    run.clock.now = PATIENCE
    run.memory.note_pending(run.promise)
    run.clock.now = PATIENCE + 0.1
    with pytest.raises(WrongAnswerError) as caught:
        run.memory.note_pending(run.promise)
    assert caught.value.code == "late"


def test_what_was_acknowledged_is_never_unknown(run: Run) -> None:
    with pytest.raises(WrongAnswerError) as caught:
        run.memory.note_missing(run.promise)
    assert caught.value.code == "lost"


def test_evidence_comes_with_it(run: Run) -> None:
    with pytest.raises(WrongAnswerError) as caught:
        run.verdict(CANNOT)
    assert caught.value.evidence["id"] == "an id"
    assert '"overall":"cannot_confirm"' in str(caught.value.evidence["report"])
