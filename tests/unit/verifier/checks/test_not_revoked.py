"""Status now, and status at a past moment from the times of its events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.check_builders import NOW, status
from verifier.checks.facts import RevocationReason, StatusEvent, StatusFacts, Unavailable
from verifier.checks.finding import Finding
from verifier.checks.not_revoked import check_not_revoked, check_not_revoked_at

SUPERSEDED = RevocationReason.SUPERSEDED
FRAUD = RevocationReason.FRAUD


def event(kind: str, time: int, *, reason: int = FRAUD, by_party: bool = False) -> StatusEvent:
    return StatusEvent(kind=kind, reason=reason, by_party=by_party, block=1, time=time)


REVOKED = status(revoked=True, events=(event("revoked", NOW - 100),))


class TestNow:
    def test_clear_bits_pass(self) -> None:
        assert check_not_revoked([status()]).code == "ok"

    def test_revoked_says_since_when_and_why(self) -> None:
        finding = check_not_revoked([REVOKED])

        assert finding.code == "revoked"
        assert finding.data == {"reason": "fraud", "since": "2026-11-21T11:58:20Z"}

    def test_revoked_without_events_is_revoked_all_the_same(self) -> None:
        assert check_not_revoked([status(revoked=True)]).code == "revoked"

    def test_superseded_is_a_word_of_its_own(self) -> None:
        replaced = status(revoked=True, events=(event("revoked", NOW, reason=SUPERSEDED),))

        assert check_not_revoked([replaced]).code == "superseded"

    def test_superseded_and_then_a_fraud_is_no_longer_merely_superseded(self) -> None:
        events = (event("revoked", NOW - 9, reason=SUPERSEDED), event("revoked", NOW))

        finding = check_not_revoked([status(revoked=True, events=events)])

        assert (finding.code, finding.data["reason"]) == ("revoked", "fraud")

    @pytest.mark.parametrize("by_party", [True, False])
    def test_suspended_by_either(self, *, by_party: bool) -> None:
        suspended = status(
            suspended_by_party=by_party,
            suspended_by_body=not by_party,
            events=(event("suspended", NOW, by_party=by_party),),
        )

        finding = check_not_revoked([suspended])

        assert finding.code == "suspended"
        assert finding.data["by"] == ("party" if by_party else "body")

    def test_a_reason_of_a_later_contract_is_shown_by_its_number(self) -> None:
        odd = status(revoked=True, events=(event("revoked", NOW, reason=99),))

        assert check_not_revoked([odd]).data["reason"] == "99"

    def test_what_is_known_to_be_bad_counts_beside_what_is_not_known(self) -> None:
        dead = Unavailable("chain_unreachable")

        assert check_not_revoked([dead, REVOKED]).code == "revoked"
        assert check_not_revoked([status(), dead]).code == "chain_unreachable"

    def test_no_status_at_all_is_not_clear(self) -> None:
        assert check_not_revoked([]).code == "not_checked"


class TestThen:
    @pytest.mark.parametrize(
        ("moment", "code"),
        [
            pytest.param(NOW - 101, "ok", id="the second before"),
            pytest.param(NOW - 100, "revoked", id="that second"),
            pytest.param(NOW, "revoked", id="for ever after"),
        ],
    )
    def test_revoked_since_its_event(self, moment: int, code: str) -> None:
        assert check_not_revoked_at([REVOKED], moment).code == code

    @pytest.mark.parametrize(
        ("moment", "code"),
        [(NOW - 31, "ok"), (NOW - 30, "suspended"), (NOW - 11, "suspended"), (NOW - 10, "ok")],
    )
    def test_a_suspension_that_has_ended(self, moment: int, code: str) -> None:
        ended = status(events=(event("suspended", NOW - 30), event("resumed", NOW - 10)))

        assert check_not_revoked([ended]).code == "ok"
        assert check_not_revoked_at([ended], moment).code == code

    def test_each_suspender_clears_only_its_own(self) -> None:
        both = status(
            suspended_by_party=True,
            events=(
                event("suspended", NOW - 30),
                event("suspended", NOW - 20, by_party=True),
                event("resumed", NOW - 10),
            ),
        )

        assert check_not_revoked_at([both], NOW - 5).data["by"] == "party"

    def test_a_bit_that_no_event_explains_could_have_been_set_at_any_time(self) -> None:
        assert check_not_revoked_at([status(revoked=True)], NOW - 5).code == "history_not_supplied"


events = st.lists(
    st.builds(
        event,
        st.sampled_from(["revoked", "suspended", "resumed"]),
        st.integers(NOW - 1000, NOW),
        by_party=st.booleans(),
    ),
    max_size=8,
).map(lambda found: tuple(sorted(found, key=lambda one: one.time)))


@given(events, st.integers(NOW - 1001, NOW), st.integers(0, 1000))
def test_revocation_has_no_end(history: tuple[StatusEvent, ...], moment: int, later: int) -> None:
    def at(when: int) -> Finding:
        known = tuple(one for one in history if one.time <= when)
        last = {
            by: next(
                (e.kind for e in reversed(known) if e.kind != "revoked" and e.by_party is by), ""
            )
            for by in (True, False)
        }
        now = StatusFacts(
            revoked=any(one.kind == "revoked" for one in known),
            suspended_by_body=last[False] == "suspended",
            suspended_by_party=last[True] == "suspended",
            events=known,
        )
        replayed = check_not_revoked_at([now], when)
        assert replayed == check_not_revoked([now])
        return replayed

    if at(moment).code in ("revoked", "superseded"):
        assert at(min(NOW, moment + later)).code in ("revoked", "superseded")
