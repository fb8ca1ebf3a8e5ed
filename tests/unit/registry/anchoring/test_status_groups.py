"""Orders are gathered without changing what the last of them means."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.anchoring.domain import LedgerAct
from registry.anchoring.status import StatusOrder, _groups
from verifier.checks.facts import RevocationReason

ACTS = (LedgerAct.SUSPEND, LedgerAct.RESUME)
wishes = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 4), st.integers(0, 1)), max_size=30
)


def orders_of(listed: list[tuple[LedgerAct, int, int]]) -> list[StatusOrder]:
    return [
        StatusOrder(
            id=number,
            body_id=bytes(32),
            list_number=list_number,
            index=index,
            act=act,
            reason=RevocationReason.ERROR,
        )
        for number, (act, index, list_number) in enumerate(listed)
    ]


@given(wishes)
def test_the_last_act_on_every_entry_wins(listed: list[tuple[LedgerAct, int, int]]) -> None:
    orders = orders_of(listed)
    wanted = {(order.list_number, order.index): order.act for order in orders}

    reached: dict[tuple[int, int], LedgerAct] = {}
    for group in _groups(orders):
        assert {order.act for order in group.orders} == {group.key[2]}
        reached |= {(order.list_number, order.index): order.act for order in group.orders}
    assert reached == wanted


@given(wishes)
def test_every_order_is_carried_once(listed: list[tuple[LedgerAct, int, int]]) -> None:
    orders = orders_of(listed)
    carried = [order.id for group in _groups(orders) for order in group.orders]
    assert sorted(carried) == [order.id for order in orders]


def test_independent_entries_share_a_call() -> None:
    orders = orders_of([(LedgerAct.SUSPEND, i % 5, 0) for i in range(20)])
    assert len(list(_groups(orders))) == 1
