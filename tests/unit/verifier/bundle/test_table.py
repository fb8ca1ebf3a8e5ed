"""Sorted rows in one byte string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.bundle.table import Table
from verifier.core.errors import MalformedEvidenceError

ROWS = st.sets(st.binary(min_size=3, max_size=3), max_size=60)


@given(ROWS, st.binary(min_size=0, max_size=3))
def test_finds_exactly_the_rows_with_a_prefix(rows: set[bytes], prefix: bytes) -> None:
    table = Table.of(rows, 3)

    assert list(table.starting_with(prefix)) == sorted(r for r in rows if r.startswith(prefix))
    assert len(table) == len(rows)
    assert list(Table.read(table.data, 3, what="table")) == sorted(rows)


@given(st.binary(max_size=60))
def test_reads_only_rows_that_rise(data: bytes) -> None:
    rows = [data[at : at + 3] for at in range(0, len(data), 3)]
    sound = len(data) % 3 == 0 and rows == sorted(set(rows))

    if sound:
        assert Table.read(data, 3, what="table").data == data
    else:
        with pytest.raises(MalformedEvidenceError):
            Table.read(data, 3, what="table")


def test_refuses_to_be_made_of_rows_that_are_none() -> None:
    for rows in ([b"abc", b"abc"], [b"ab"]):
        with pytest.raises(ValueError, match="distinct"):
            Table.of(rows, 3)
