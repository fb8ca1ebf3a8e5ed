"""The rules of the pipeline: no transition outside the table, judgements that believe finality."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.anchoring.domain import (
    ACTIVE_STATES,
    TRANSACTION_GAS_CAP,
    TRANSITIONS,
    BatchPolicy,
    Delay,
    Event,
    ImpossibleTransitionError,
    Patience,
    QuarantineReason,
    SendOutcome,
    Sighting,
    Timing,
    Waiting,
    WriteState,
    delay_of,
    gas_limit_for,
    judge_mined,
    judge_sent,
    next_nonce,
    transition,
)

TIMING = Timing(resend_after=30, replace_after=120)
CALM = Patience(in_flight=5, since_last_sent=5, outcome=SendOutcome.ACCEPTED)

sightings = st.builds(
    Sighting,
    succeeded=st.sampled_from([None, True, False]),
    is_on_ledger=st.booleans(),
    nonce_is_spent=st.booleans(),
    nonce_is_finally_spent=st.booleans(),
    is_next=st.booleans(),
)
patiences = st.builds(
    Patience,
    in_flight=st.integers(0, 300),
    since_last_sent=st.none() | st.integers(0, 300),
    outcome=st.none() | st.sampled_from(SendOutcome),
)


class TestTransitions:
    @pytest.mark.parametrize("state", WriteState)
    @pytest.mark.parametrize("event", Event)
    def test_only_the_table_moves_a_write(self, state: WriteState, event: Event) -> None:
        if (state, event) in TRANSITIONS:
            assert transition(state, event) is TRANSITIONS[state, event]
        else:
            with pytest.raises(ImpossibleTransitionError, match=f"{event} is impossible"):
                transition(state, event)

    def test_the_path_of_the_design(self) -> None:
        state = WriteState.OPEN
        walked = [state]
        for event in (
            Event.SEAL,
            Event.SIGN,
            Event.SEND,
            Event.MINE,
            Event.FINALISE,
            Event.PUBLISH,
        ):
            state = transition(state, event)
            walked.append(state)
        assert [step.value for step in walked] == [
            "open",
            "sealed",
            "transaction_signed",
            "sent",
            "mined",
            "final",
            "published",
        ]

    def test_every_active_state_can_go_on_and_nothing_leads_back_to_open(self) -> None:
        assert {state for state, _ in TRANSITIONS} >= ACTIVE_STATES
        assert WriteState.OPEN not in TRANSITIONS.values()

    def test_a_signed_transaction_can_only_be_sent(self) -> None:
        from_signed = [e for s, e in TRANSITIONS if s is WriteState.TRANSACTION_SIGNED]
        assert from_signed == [Event.SEND]

    @given(st.lists(st.sampled_from(Event), max_size=40))
    def test_no_sequence_of_events_skips_final(self, events: list[Event]) -> None:
        state, seen = WriteState.OPEN, {WriteState.OPEN}
        for event in events:
            if (state, event) in TRANSITIONS:
                state = transition(state, event)
                seen.add(state)
        if WriteState.PUBLISHED in seen:
            assert {WriteState.SEALED, WriteState.MINED, WriteState.FINAL} <= seen


class TestJudgeSent:
    @given(sightings, patiences)
    def test_every_event_is_possible_from_sent(
        self, sighting: Sighting, patience: Patience
    ) -> None:
        judgement = judge_sent(sighting, patience, TIMING)
        if isinstance(judgement, Event):
            assert (WriteState.SENT, judgement) in TRANSITIONS

    @given(sightings, patiences)
    def test_a_person_is_called_only_for_what_is_final(
        self, sighting: Sighting, patience: Patience
    ) -> None:
        if isinstance(judge_sent(sighting, patience, TIMING), QuarantineReason):
            assert sighting.nonce_is_finally_spent
            assert not sighting.is_on_ledger

    @given(sightings, patiences)
    def test_mined_needs_receipt_and_contract(self, sighting: Sighting, patience: Patience) -> None:
        judgement = judge_sent(sighting, patience, TIMING)
        assert (judgement is Event.MINE) == bool(sighting.succeeded and sighting.is_on_ledger)
        if judgement is Event.ADOPT:
            assert sighting.is_on_ledger
            assert sighting.nonce_is_finally_spent

    @given(sightings, patiences)
    def test_fees_are_raised_only_for_the_next_in_line(
        self, sighting: Sighting, patience: Patience
    ) -> None:
        if judge_sent(sighting, patience, TIMING) is Event.REPLACE:
            assert sighting.is_next
            assert not sighting.nonce_is_spent

    @pytest.mark.parametrize(
        ("patience", "expected"),
        [
            pytest.param(CALM, Waiting.PENDING, id="just sent"),
            pytest.param(
                Patience(in_flight=30, since_last_sent=30, outcome=SendOutcome.ACCEPTED),
                Event.RESEND,
                id="perhaps forgotten",
            ),
            pytest.param(
                Patience(in_flight=120, since_last_sent=1, outcome=SendOutcome.KNOWN),
                Event.REPLACE,
                id="stuck",
            ),
            pytest.param(
                Patience(in_flight=1, since_last_sent=1, outcome=SendOutcome.UNDERPRICED),
                Event.REPLACE,
                id="below the base fee",
            ),
            pytest.param(
                Patience(in_flight=0, since_last_sent=None, outcome=None),
                Event.RESEND,
                id="signed and not sent yet",
            ),
        ],
    )
    def test_pending(self, patience: Patience, expected: Event | Waiting) -> None:
        sighting = Sighting(
            succeeded=None,
            is_on_ledger=False,
            nonce_is_spent=False,
            nonce_is_finally_spent=False,
            is_next=True,
        )
        assert judge_sent(sighting, patience, TIMING) == expected

    @pytest.mark.parametrize(
        ("succeeded", "reason"),
        [
            (False, QuarantineReason.REVERTED),
            (None, QuarantineReason.NONCE_TAKEN),
            (True, QuarantineReason.LEDGER_DISAGREES),
        ],
    )
    def test_final_contradictions(
        self, *, succeeded: bool | None, reason: QuarantineReason
    ) -> None:
        sighting = Sighting(
            succeeded=succeeded,
            is_on_ledger=False,
            nonce_is_spent=True,
            nonce_is_finally_spent=True,
            is_next=False,
        )
        assert judge_sent(sighting, CALM, TIMING) is reason


class TestJudgeMined:
    @pytest.mark.parametrize("has_transaction", [True, False])
    def test_a_block_that_is_gone(self, *, has_transaction: bool) -> None:
        judgement = judge_mined(
            is_canonical=False,
            is_on_ledger=False,
            is_final=False,
            has_transaction=has_transaction,
        )
        assert judgement is (Event.REORGANISE if has_transaction else Event.FORGET)

    @given(st.booleans(), st.booleans(), st.booleans(), st.booleans())
    def test_final_needs_all_three(
        self, is_canonical: bool, is_on_ledger: bool, is_final: bool, has_transaction: bool
    ) -> None:
        judgement = judge_mined(
            is_canonical=is_canonical,
            is_on_ledger=is_on_ledger,
            is_final=is_final,
            has_transaction=has_transaction,
        )
        assert (judgement is Event.FINALISE) == (is_canonical and is_on_ledger and is_final)


class TestNumbers:
    @given(st.integers(0, 2**40), st.integers(0, 2**40))
    def test_nonce_is_never_reused(self, recorded: int, on_chain: int) -> None:
        nonce = next_nonce(recorded=recorded, on_chain=on_chain)
        assert nonce >= recorded
        assert nonce >= on_chain

    def test_gas_limit_has_room_and_a_cap(self) -> None:
        assert gas_limit_for(100_001) == 120_002
        assert gas_limit_for(16_000_000) == TRANSACTION_GAS_CAP


class TestBatchPolicy:
    POLICY = BatchPolicy(max_leaves=10, max_age=60)

    @pytest.mark.parametrize(
        ("queued", "age", "due"),
        [
            pytest.param(0, 3600, False, id="an empty queue is never closed"),
            pytest.param(1, 59, False, id="few and young"),
            pytest.param(1, 60, True, id="old enough"),
            pytest.param(10, 0, True, id="many enough"),
        ],
    )
    def test_due(self, queued: int, age: int, *, due: bool) -> None:
        assert self.POLICY.is_due(queued=queued, oldest_at=1000, now=1000 + age) is due

    @pytest.mark.parametrize("max_leaves", [0, 2**20 + 1])
    def test_sizes_that_the_contract_refuses(self, max_leaves: int) -> None:
        with pytest.raises(ValueError, match="a batch has 1 to"):
            BatchPolicy(max_leaves=max_leaves)


@pytest.mark.parametrize(
    ("age", "delay"),
    [
        (0, Delay.ON_TIME),
        (600, Delay.ON_TIME),
        (601, Delay.LATE),
        (3601, Delay.ALARM),
        (4 * 3600 + 1, Delay.NO_PROMISE),
    ],
)
def test_delay(age: int, delay: Delay) -> None:
    assert delay_of(1000, now=1000 + age) is delay
    assert delay_of(None, now=1000 + age) is Delay.ON_TIME
