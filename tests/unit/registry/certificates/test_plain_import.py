"""The short cut of an import reads what the long way reads, or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.certificates.importers import read_file, read_plain_file
from tests.support.certificates import sample_documents

NAMES = st.sampled_from(["a", "b", ":", "import", "\\", '"', "é", "\u003a\u003a"])
INTEGERS = st.integers(-(2**63), 2**63)  # larger ones become fractions, which no document holds
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": ")])
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]), SEPARATORS)
def test_both_read_the_same(
    value: Any, ascii_only: bool, indent: int | None, separators: tuple[str, str]
) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators)
    plain = read_plain_file(data.encode(), source="x.json")
    if plain is not None:
        thorough = read_file(data.encode(), source="x.json")
        assert plain.documents == thorough.documents
        assert thorough.problems == ()


@given(st.text(alphabet='{}[]",:ab \\u003A1.e', max_size=24))
def test_of_any_text_nothing_is_read_that_the_long_way_refuses(text: str) -> None:
    plain = read_plain_file(text.encode(), source="x.json")
    if plain is not None:
        thorough = read_file(text.encode(), source="x.json")
        assert (plain.documents, thorough.problems) == (thorough.documents, ())


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '[{"x":{"a":1,"a":1}}]',
        '{"a":"\\u003a","a":1}',
        '{"a":"\\u003A","a":":"}',
        '{"import":1,"documents":[]}',
        "\ufeff[]",
        "[NaN]",
        "[1e999]",
        '["\\ud800"]',
        "[" * 2000 + "]" * 2000,
        "",
    ],
)
def test_what_needs_a_closer_look_is_left_alone(text: str) -> None:
    assert read_plain_file(text.encode(), source="x.json") is None


def test_documents_are_read() -> None:
    documents = sample_documents()
    plain = read_plain_file(json.dumps(documents).encode(), source="x.json")
    assert plain is not None
    assert [each.value for each in plain.documents] == documents
    assert [each.pointer for each in plain.documents] == ["/0", "/1", "/2", "/3"]
