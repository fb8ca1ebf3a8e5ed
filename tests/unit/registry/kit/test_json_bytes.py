"""Fast JSON has the bytes of the canonical one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.kit.json_bytes import canonical_bytes, checked_bytes, checked_text, read_stored
from tests.support.certificates import sample_documents
from verifier.core.document import without_nulls
from verifier.core.strict_json import canonical_json, write_checked

NAMES = st.text(st.characters(max_codepoint=127), max_size=6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
)


@given(VALUES)
def test_a_checked_value_is_written_canonically(value: Any) -> None:
    assert checked_bytes(value) == canonical_json(value)
    assert checked_text(value) == write_checked(value)


@given(st.dictionaries(st.text(max_size=4) | NAMES, VALUES | st.text(max_size=4), max_size=4))
def test_any_object_is_written_canonically_or_refused_alike(value: Any) -> None:
    try:
        expected = canonical_json(value)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011  (that of `canonical_json`)
            canonical_bytes(value)
        return
    assert canonical_bytes(value) == expected


@pytest.mark.parametrize("value", [{"a": 1.5}, {"a": {"b": 0.0}}, {"a": 2**53}, {1: "a"}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (that of `canonical_json`)
        canonical_bytes(value)


def test_documents_come_back() -> None:
    for document in sample_documents():
        plain = without_nulls(document)
        assert checked_bytes(plain) == canonical_json(plain)
        assert read_stored(checked_bytes(plain)) == plain
