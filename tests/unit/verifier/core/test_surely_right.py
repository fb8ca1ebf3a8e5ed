"""The quick check of an import document never calls right what the thorough one does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import sample_documents
from verifier.core.document import IMPORT_SHAPES, without_nulls
from verifier.core.field_policy import DocumentKind
from verifier.core.shapes import surely_right
from verifier.core.strict_json import write_checked

SAMPLES = sample_documents()
VALUES = (
    st.sampled_from(
        ["", " ", "\u3000", "<b>", "<", "a\nb", "a\tb", "e\u0301", "\u0301", "\u202e", "é"]
    )
    | st.sampled_from(
        [None, 1.5, 0, True, -1, [], {}, [None], {"x": None}, {"en": " "}, "b>", "<b"]
    )
    | st.text(max_size=3)
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every member and element."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for name, member in entries:
        found.append((*path, name))
        if isinstance(member, dict | list):
            found += places(member, (*path, name))
    return found


PLACES = [places(without_nulls(document)) for document in SAMPLES]


@pytest.mark.parametrize("document", SAMPLES, ids=[each["number"] for each in SAMPLES])
def test_a_stored_document_needs_no_second_look(document: dict[str, Any]) -> None:
    shape = IMPORT_SHAPES[DocumentKind(document["kind"])]

    plain = without_nulls(document)
    assert surely_right(shape, plain, write_checked(plain))
    assert not surely_right(shape, document, write_checked(document))  # it has nulls


@given(st.data(), st.integers(0, len(SAMPLES) - 1))
def test_what_is_surely_right_has_no_problems(data: st.DataObject, at: int) -> None:
    document: Any = without_nulls(sample_documents()[at])
    kind = DocumentKind(document["kind"])
    for _ in range(data.draw(st.integers(1, 2))):
        *path, last = data.draw(st.sampled_from(PLACES[at]))
        node: Any = document
        for step in path:
            node = node[step]
            if not isinstance(node, dict | list):
                return
        edit = data.draw(st.sampled_from(["set", "add", "drop"]))
        if isinstance(node, dict) and edit == "add":
            node[data.draw(st.text(max_size=3))] = data.draw(VALUES)
        elif isinstance(node, dict) and edit == "drop":
            node.pop(last, None)
        elif isinstance(node, dict) or last < len(node):
            node[last] = data.draw(VALUES)
    try:
        text = write_checked(document)
    except ValueError:
        return
    if surely_right(IMPORT_SHAPES[kind], document, text):
        assert list(IMPORT_SHAPES[kind].problems(document, "")) == []
