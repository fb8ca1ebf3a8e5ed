"""Fees: two base fees and a tip, replacements that nodes accept, a cap that holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.anchoring.fees import FeePolicy, Fees, quote, raised

amounts = st.integers(0, 10**13)
fees = st.builds(
    lambda priority, rest: Fees(max_fee=priority + rest, priority=priority), amounts, amounts
)


def test_quote_survives_full_blocks() -> None:
    assert quote(base_fee=10, priority=3) == Fees(max_fee=23, priority=3)


def test_zero_fee_network() -> None:
    assert quote(base_fee=0, priority=0) == Fees(max_fee=0, priority=0)
    assert raised(quote(base_fee=0, priority=0), quote(base_fee=0, priority=0)) is None


@given(fees, fees)
def test_a_replacement_raises_both_fees_by_an_eighth(previous: Fees, fresh: Fees) -> None:
    replacement = raised(previous, fresh)
    if replacement is None:
        assert previous.is_free
        assert fresh.is_free
        return
    for before, after in (
        (previous.max_fee, replacement.max_fee),
        (previous.priority, replacement.priority),
    ):
        assert after * 8 >= before * 9
        assert after > before
    assert replacement.max_fee >= fresh.max_fee
    assert replacement.priority >= fresh.priority


@given(fees, st.integers(21_000, 2**24))
def test_nothing_beyond_cap_or_budget_is_allowed(offer: Fees, gas_limit: int) -> None:
    policy = FeePolicy(max_fee_cap=10**12, budget=10**17)
    if policy.allows(offer, gas_limit=gas_limit):
        assert offer.max_fee <= 10**12
        assert offer.max_fee * gas_limit <= 10**17


@pytest.mark.parametrize(("max_fee", "priority"), [(1, 2), (-1, -1), (0, -1)])
def test_impossible_fees_are_refused(max_fee: int, priority: int) -> None:
    with pytest.raises(ValueError, match="priority fee"):
        Fees(max_fee=max_fee, priority=priority)
