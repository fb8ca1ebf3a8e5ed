"""Status bits packed as the contract takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.anchoring.status_words import (
    MAX_WORDS,
    WORD_BITS,
    dump_words,
    load_words,
    pack,
    split,
)

indexes = st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=50)


@given(indexes)
def test_every_index_is_one_bit(chosen: set[int]) -> None:
    words = pack(chosen)
    found = {
        word * WORD_BITS + bit
        for word, mask in words.items()
        for bit in range(WORD_BITS)
        if mask >> bit & 1
    }
    assert found == chosen
    assert list(words) == sorted(words)


@given(indexes, st.integers(1, 7))
def test_parts_hold_everything_once_and_stay_small(chosen: set[int], at_most: int) -> None:
    words = pack(chosen)
    parts = list(split(words, at_most=at_most))
    assert all(0 < len(part) <= at_most for part in parts)
    assert {word: mask for part in parts for word, mask in part.items()} == words


@given(indexes)
def test_stored_words_come_back(chosen: set[int]) -> None:
    words = pack(chosen)
    assert load_words(dump_words(words)) == words
    assert len(dump_words(words)) == 36 * len(words)


def test_a_call_stays_below_the_gas_limit_of_a_transaction() -> None:
    scattered = pack(word * WORD_BITS for word in range(MAX_WORDS + 1))
    assert [len(part) for part in split(scattered)] == [MAX_WORDS, 1]


@pytest.mark.parametrize("wrong", [[], [-1], [2**32]])
def test_impossible_indexes(wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="status index"):
        pack(wrong)
