from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.certificates.domain import STATUS_BLOCK, draw_position, mark_drawn

EMPTY = bytes(STATUS_BLOCK // 8)


@given(st.lists(st.integers(0, 63), unique=True), st.data())
def test_a_drawn_position_is_free_and_every_free_one_can_be_drawn(
    taken: list[int], data: st.DataObject
) -> None:
    drawn = bytes(8)
    for position in taken:
        drawn = mark_drawn(drawn, position)
    free = [position for position in range(64) if position not in taken]
    assert [draw_position(drawn, choice) for choice in range(len(free))] == free
    with pytest.raises(ValueError, match="exceeds"):
        draw_position(drawn, len(free))


@given(st.integers(0, STATUS_BLOCK - 1))
def test_marking_takes_exactly_one_position(position: int) -> None:
    drawn = mark_drawn(EMPTY, position)
    assert sum(byte.bit_count() for byte in drawn) == 1
    assert draw_position(EMPTY, position) == position
    if position < STATUS_BLOCK - 1:
        assert draw_position(drawn, position) == position + 1
