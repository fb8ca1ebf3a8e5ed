from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.document import without_nulls
from verifier.core.shapes import (
    Choice,
    Either,
    Flag,
    Integer,
    ListOf,
    Object,
    Shape,
    Text,
    TextByLanguage,
    escape,
)

SHAPE = Object(
    {
        "name": Text(longest=5),
        "note": Text(longest=20, lines=True),
        "code": Text(longest=4, pattern="[A-Z]+", code="code", wanted="capital letters"),
        "count": Integer(0, 9),
        "kind": Choice(("a", "b")),
        "list": ListOf(Flag(), least=1, most=2),
        "set": ListOf(Text(), unique=True),
        "either": Either((Text(longest=3), Flag())),
        "titles": TextByLanguage(Text(longest=5), Text(pattern="[a-z]{2}", code="language")),
    },
    frozenset({"name"}),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 10) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def problems(shape: Shape, value: object) -> list[tuple[str, str]]:
    return [(each.pointer, each.code) for each in shape.problems(value, "")]


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("name", "", "empty"),
        ("name", " \u3000", "empty"),
        ("name", "abcdef", "too_long"),
        ("name", 5, "type"),
        ("name", 1.5, "float"),
        ("name", None, "required"),
        ("name", "a\nb", "line_break"),
        ("name", "<b>", "markup"),
        ("name", "</b>", "markup"),
        ("note", "<script src=x>", "markup"),
        ("note", "a<!-- b", "markup"),
        ("name", "a\u202eb", "control_character"),
        ("name", "e\u0301", "not_nfc"),
        ("code", "ab", "code"),
        ("count", -1, "out_of_range"),
        ("count", True, "type"),
        ("count", 1.0, "float"),
        ("kind", "c", "not_allowed"),
        ("kind", ["a"], "not_allowed"),
        ("list", [], "too_few"),
        ("list", [True] * 3, "too_many"),
        ("list", "ab", "type"),
        ("set", ["a", "b", "a"], "repeated"),
        ("either", "abcd", "too_long"),
        ("either", 5, "type"),
        ("titles", {}, "empty"),
        ("titles", {"zh": None}, "empty"),
        ("titles", "text", "type"),
        ("unknown", 1, "unknown_member"),
    ],
)
def test_every_error_has_its_code_and_place(member: str, value: object, code: str) -> None:
    document = {"name": "a", member: value}

    assert problems(SHAPE, document) == [(f"/{member}", code)]


def test_errors_inside_lists_and_languages_are_located() -> None:
    document = {"name": "a", "list": [True, 5], "titles": {"en": "ok", "E~/": "longer"}}

    assert problems(SHAPE, document) == [
        ("/list/1", "type"),
        ("/titles/E~0~1", "language"),
        ("/titles/E~0~1", "too_long"),
    ]


@pytest.mark.parametrize("value", ["<0.01", "a < b > c", "<LOQ", "<LOD, b >5", "x<y"])
def test_signs_of_comparison_are_no_markup(value: str) -> None:
    assert not problems(Text(), value)


def test_null_is_an_absent_optional_member() -> None:
    assert not problems(SHAPE, {"name": "a", "code": None, "titles": None})


@given(JSON)
def test_any_value_gets_an_answer(value: Any) -> None:
    assert bool(problems(SHAPE, value)) or isinstance(value, dict)


@given(st.dictionaries(st.sampled_from([*SHAPE.members, "other"]), JSON))
def test_a_value_without_problems_is_accepted(value: dict[str, Any]) -> None:
    if not problems(SHAPE, value):
        assert SHAPE.accepts(without_nulls(value))


def test_pointers_are_escaped() -> None:
    assert escape("a/b~c") == "a~1b~0c"
