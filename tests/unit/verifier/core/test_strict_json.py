from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.limits import MAX_SAFE_INTEGER
from verifier.core.strict_json import (
    canonical_json,
    parse_json,
    parse_json_items,
    parse_json_object,
    text_problem,
)

CLEAN_TEXT = st.text(max_size=12).filter(lambda text: text_problem(text) is None)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER) | CLEAN_TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(CLEAN_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_every_spelling_of_a_clean_value_is_read(
    value: Any, escaped: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)

    assert parse_json(text, what="it") == value
    assert parse_json(text.encode(), what="it") == value


@given(VALUES)
def test_canonical_form_comes_back_and_is_stable(value: Any) -> None:
    data = canonical_json(value)

    assert parse_json(data, what="it") == value
    assert canonical_json(parse_json(data, what="it")) == data


@given(
    st.binary(max_size=60) | st.text(alphabet='{}[]",:0-1.e\\u" \n"', max_size=30).map(str.encode)
)
def test_hostile_bytes_are_read_strictly_or_refused(data: bytes) -> None:
    try:
        value = parse_json(data, what="it")
    except MalformedEvidenceError:
        return
    assert json.loads(data) == value


@given(st.lists(VALUES.map(lambda value: json.dumps(value, ensure_ascii=False)), min_size=1))
def test_many_items_are_read_as_one_by_one(texts: list[str]) -> None:
    items = [text.encode() for text in texts]

    assert parse_json_items(items, what="it") == [parse_json(item, what="it") for item in items]


PIECES = st.text(alphabet='[]{}",:\\1a \n', max_size=8).map(str.encode)


@given(st.lists(PIECES, min_size=1, max_size=5))
def test_items_never_lend_each_other_brackets(items: list[bytes]) -> None:
    try:
        expected = [parse_json(item, what="it") for item in items]
    except MalformedEvidenceError:
        with pytest.raises(MalformedEvidenceError):
            parse_json_items(items, what="it")
    else:
        assert parse_json_items(items, what="it") == expected


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([b'["a",[1]', b"[2]]", b'["b"],["c"]'], id="an array over two items"),
        pytest.param([b'"a', b'b"', b"1,2"], id="a string over two items"),
        pytest.param([b"", b"1,2"], id="an empty item and a double one"),
        pytest.param([b"1,", b"2"], id="a trailing comma"),
    ],
)
def test_items_that_only_fit_together_are_refused(items: list[bytes]) -> None:
    with pytest.raises(MalformedEvidenceError):
        parse_json_items(items, what="it")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b'{"a":1,"a":1}', "duplicate_key", id="a name twice"),
        pytest.param(b'{"a":1,"\\u0061":2}', "duplicate_key", id="a name twice, once escaped"),
        pytest.param(b'[{"b":{"c":1,"c":2}}]', "duplicate_key", id="a name twice deep inside"),
        pytest.param(b"1.0", "float", id="fraction"),
        pytest.param(b"1e2", "float", id="exponent"),
        pytest.param(b"NaN", "float", id="NaN"),
        pytest.param(b"-Infinity", "float", id="infinity"),
        pytest.param(b"9007199254740992", "integer", id="2^53"),
        pytest.param(b"-9007199254740992", "integer", id="-2^53"),
        pytest.param(b"1" * 5000, "integer", id="a very long integer"),
        pytest.param(b"-0", "integer", id="negative zero"),
        pytest.param(b"01", "json", id="leading zero"),
        pytest.param(b'"\\ud800"', "control_character", id="lone surrogate"),
        pytest.param(b'"\xed\xa0\x80"', "utf8", id="surrogate in UTF-8"),
        pytest.param(b"\xff", "utf8", id="not UTF-8"),
        pytest.param(b'\xef\xbb\xbf"a"', "control_character", id="byte order mark"),
        pytest.param('"e\u0301"'.encode(), "not_nfc", id="decomposed letter"),
        pytest.param(b'"e\\u0301"', "not_nfc", id="decomposed by an escape"),
        pytest.param('"a\u202eb"'.encode(), "control_character", id="right-to-left override"),
        pytest.param(b'"\\u2066"', "control_character", id="escaped isolate"),
        pytest.param(b'"\\u0000"', "control_character", id="escaped zero byte"),
        pytest.param(b'"\\r"', "control_character", id="escaped carriage return"),
        pytest.param(b'"\x7f"', "control_character", id="delete"),
        pytest.param('"\u0085"'.encode(), "control_character", id="C1 control"),
        pytest.param(b'"\n"', "json", id="raw line feed in a string"),
        pytest.param(b"", "json", id="nothing"),
        pytest.param(b"1 2", "json", id="two values"),
        pytest.param(b"['a']", "json", id="single quotes"),
    ],
)
def test_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_json(data, what="the thing")
    assert caught.value.reason == reason
    assert caught.value.what == "the thing"


def test_line_feed_and_tab_may_be_escaped() -> None:
    assert parse_json(rb'"a\n\tb"', what="it") == "a\n\tb"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_is_bounded(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    deepest = opening * 31 + b"[]" + closing * 31
    parse_json(deepest, what="it")

    with pytest.raises(LimitExceededError):
        parse_json(opening * 32 + b"[]" + closing * 32, what="it")
    with pytest.raises(LimitExceededError):
        parse_json_items([opening * 32 + b"[]" + closing * 32], what="it")
    with pytest.raises(MalformedEvidenceError):
        parse_json(opening * 100_000, what="it")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="opening alone"),
        pytest.param('["' + "[" * 100_000, id="after a string without end"),
        pytest.param('["\\"]",' * 20_000, id="brackets behind an escaped quotation mark"),
        pytest.param('["",' * 50_000, id="with empty strings between"),
        pytest.param('["]",' * 50_000, id="closed inside strings only"),
    ],
)
def test_nesting_is_refused_before_the_machine_recurses(text: str) -> None:
    """Some libraries raise the interpreter's limit; the C stack ends all the same."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        with pytest.raises(MalformedEvidenceError):
            parse_json(text, what="it")
        with pytest.raises(MalformedEvidenceError):
            parse_json_items([text.encode(), b"1"], what="it")
    finally:
        sys.setrecursionlimit(limit)


def test_escapes_without_end_take_linear_time() -> None:
    for text in ('"' + '\\"' * 100_000, '"' + '\\"' * 100_000 + "\\", '["' * 80_000):
        with pytest.raises(MalformedEvidenceError):
            parse_json(text, what="it")


def test_brackets_in_strings_are_no_nesting() -> None:
    value = ["[" * 40, "]" * 40, {"{[": "}"}, "\\[" * 40, '"[' * 40]

    assert parse_json(json.dumps(value), what="it") == value
    assert parse_json(json.dumps(value, indent=1), what="it") == value


def test_size_is_bounded_in_bytes() -> None:
    with pytest.raises(LimitExceededError) as caught:
        parse_json('"中中"', what="it", max_bytes=7)
    assert caught.value.actual == 8


def test_an_object_is_asked_for() -> None:
    assert parse_json_object(b'{"a":null}', what="it") == {"a": None}
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_json_object(b"[]", what="it")
    assert caught.value.reason == "type"


# RFC 8785, section 3.2.3: names sorted by UTF-16 code units, not by code points.
def test_canonical_order_is_that_of_rfc_8785() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    expected = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]

    text = canonical_json(dict.fromkeys(names, 1)).decode()

    assert list(json.loads(text)) == expected


# RFC 8785, section 3.2.2.2.
def test_canonical_strings_are_those_of_rfc_8785() -> None:
    value = '\u20ac$\u000f\nA\'B"\\\\"/'

    assert canonical_json(value).decode() == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'


@pytest.mark.parametrize("value", [1.0, 2**53, {1: 2}, b"", {"a": [0.5]}, "\ud800"], ids=repr)
def test_canonical_form_refuses_what_the_format_does_not_know(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each has its own message)
        canonical_json(value)


@given(st.text(max_size=20))
def test_text_is_judged_as_inside_json(text: str) -> None:
    problem = text_problem(text)
    quoted = json.dumps(text, ensure_ascii=True)

    if problem is None:
        assert parse_json(quoted, what="it") == text
        assert unicodedata.is_normalized("NFC", text)
    else:
        with pytest.raises(MalformedEvidenceError) as caught:
            parse_json(quoted, what="it")
        assert caught.value.reason == problem
