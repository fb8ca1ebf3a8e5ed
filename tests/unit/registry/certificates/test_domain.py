from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.certificates.domain import STATUS_BLOCK, free_positions, mark_drawn

EMPTY = bytes(STATUS_BLOCK // 8)


@given(st.lists(st.integers(0, 63), unique=True))
def test_a_drawn_position_is_free_and_every_free_one_can_be_drawn(
    taken: list[int],
) -> None:
    drawn = bytes(8)
    for position in taken:
        drawn = mark_drawn(drawn, [position])
    assert drawn == mark_drawn(bytes(8), taken)
    assert free_positions(drawn) == [each for each in range(64) if each not in taken]


@given(st.integers(0, STATUS_BLOCK - 1))
def test_marking_takes_exactly_one_position(position: int) -> None:
    drawn = mark_drawn(EMPTY, [position])
    assert sum(byte.bit_count() for byte in drawn) == 1
    assert free_positions(EMPTY) == list(range(STATUS_BLOCK))
    assert position not in free_positions(drawn)
