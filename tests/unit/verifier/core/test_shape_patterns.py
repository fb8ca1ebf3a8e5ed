"""What a pattern accepts, the long way accepts too, with the same value."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import SIGNER, issue_sample, sample_documents
from verifier.core import views
from verifier.core.certificate import CTY, TYP, parse_certificate
from verifier.core.credential import parse_payload, read_payload
from verifier.core.disclosures import digest_of
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.jws import sign_compact
from verifier.core.moments import MomentText
from verifier.core.payload_patterns import digests_in_order, payload_kind
from verifier.core.payload_shapes import Exactly
from verifier.core.shape_patterns import matcher
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
)
from verifier.core.strict_json import decode_proven, parse_json, parse_json_object, plain_lines

SHAPE = Object(
    {
        "a": Text(longest=3),
        "b": Text(longest=4, pattern="[A-Z]+|x\\.y", code="code", wanted="capital letters"),
        "c": Integer(0, 120),
        "d": Choice(("a", "b", "<=")),
        "e": ListOf(Flag(), least=1, most=2),
        "f": ListOf(Text(), unique=True),
        "g": Either((Text(longest=3), Flag())),
        "h": TextByLanguage(Text(longest=5), Text(pattern="[a-z]{2}", code="language")),
        "i": MomentText(),
        "j": Exactly({"x": ["y", 1]}),
        "k": ListOf(Integer(1, 99), most=3),
        "l": Object({"m": Flag(), "n": Text(longest=2)}, frozenset({"n"})),
    },
    frozenset({"d"}),
)
RIGHT: dict[str, Any] = {
    "a": "é\"", "b": "x.y", "c": 17, "d": "<=", "e": [True], "f": ["p", "q", "r"], "g": False,
    "h": {"en": "tin", "lo": "ກົ່ວ", "zh": "锡"}, "i": "2026-02-11T18:05:00+08:00",
    "j": {"x": ["y", 1]}, "k": [], "l": {"m": True, "n": "\n\\"},
}  # fmt: skip
FRAGMENTS = st.sampled_from(
    [
        *('"', "\\", ",", ":", "{", "}", "[", "]", "0", "-", "1.0", "1e2", "9999", "null", "true"),
        *("é", "e\u0301", "\u202e", "\ufeff", "\udc80", "\n", "\t", " ", "\x7f", "\x00"),
        *(
            "\\u0041",
            "\\/",
            '"a":"x",',
            ',"d":"a"',
            '"zh":"x"',
            '"q"',
            '"_sd":["x"],',
            "T",
            "02-30",
        ),
        *("]]]]", "[[[["),
    ]
)


def text_of(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@st.composite
def edited(draw: st.DrawFn, text: str) -> str:
    """Return the text after a few cuts, repetitions and insertions of its own or other pieces."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(FRAGMENTS | st.just(text[start:end]) | st.text(max_size=2))
        at = draw(st.integers(0, len(text)))
        keep = draw(st.booleans())
        text = text[:at] + piece + text[at if keep else min(len(text), at + len(piece)) :]
    return text


def proven(shape: Shape, text: str) -> bool:
    lines = plain_lines([text.encode("utf-8", "surrogatepass")])
    escaped = "\\" in text
    return lines is not None and bool(matcher(shape, escaped=escaped)(lines[0]))


def check(shape: Shape, text: str) -> None:
    """Fail if a match promised what the long way refuses or reads otherwise."""
    if proven(shape, text):
        value = parse_json(text, what="it")
        assert shape.accepts(value)
        assert decode_proven(text) == value


def test_the_usual_way_of_writing_matches() -> None:
    assert proven(SHAPE, text_of(RIGHT))
    for name in RIGHT:
        if name != "d":
            assert proven(SHAPE, text_of({each: RIGHT[each] for each in RIGHT if each != name}))


@given(edited(text_of(RIGHT)) | edited(text_of(RIGHT | {"a": "é", "l": {"n": "x"}})))
def test_no_edit_makes_a_pattern_promise_too_much(text: str) -> None:
    check(SHAPE, text)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        pytest.param(SHAPE, '{"d":"a","d":"a"}', id="a name twice"),
        pytest.param(SHAPE, '{"a":"x","a":"y","d":"a"}', id="an optional name twice"),
        pytest.param(SHAPE, '{"d":"a",}', id="a comma at the end"),
        pytest.param(SHAPE, '{,"d":"a"}', id="a comma at the start"),
        pytest.param(SHAPE, '{"a":"x""d":"a"}', id="no comma"),
        pytest.param(SHAPE, '{"a":"x"}', id="a required member missing"),
        pytest.param(SHAPE, '{"a":"","d":"a"}', id="empty text"),
        pytest.param(SHAPE, '{"a":"wxyz","d":"a"}', id="long text"),
        pytest.param(SHAPE, '{"a":"x\ty","d":"a"}', id="raw tab"),
        pytest.param(SHAPE, '{"b":"AAAAA","d":"a"}', id="long text of a pattern"),
        pytest.param(SHAPE, '{"c":-0,"d":"a"}', id="negative zero"),
        pytest.param(SHAPE, '{"c":01,"d":"a"}', id="leading zero"),
        pytest.param(SHAPE, '{"c":121,"d":"a"}', id="large integer"),
        pytest.param(SHAPE, '{"d":"a","k":[0]}', id="small integer"),
        pytest.param(SHAPE, '{"d":"a","k":[1,2,3,4]}', id="long list"),
        pytest.param(SHAPE, '{"d":"a","e":[]}', id="short list"),
        pytest.param(SHAPE, '{"d":"a","f":["p","q","p"]}', id="repeated entry"),
        pytest.param(SHAPE, '{"d":"a","h":{}}', id="no language"),
        pytest.param(SHAPE, '{"d":"a","h":{"en":"x","zh":"y","en":"z"}}', id="a language twice"),
        pytest.param(SHAPE, '{"d":"a","i":"2026-02-29"}', id="no such day"),
        pytest.param(SHAPE, '{"d":"a","i":"2026-04-31"}', id="no such day of April"),
        pytest.param(SHAPE, '{"d":"a","i":"2026-04-30T24:00:00Z"}', id="no such hour"),
        pytest.param(SHAPE, '{"d":"a","i":"2026-04-30T12:00:00-00:00"}', id="unknown offset"),
        pytest.param(Text(pattern='[a-z"]+'), '"a"b"', id="a pattern with a quotation mark"),
        pytest.param(Text(pattern=" -z+".join("[]")), '"a"b"', id="a range around one"),
        pytest.param(Text(pattern="[^a]+"), '"b"c"', id="a negated class"),
        pytest.param(Text(pattern=".+"), '"b"c"', id="any character"),
        pytest.param(Text(), '"a\\"', id="an escape where none is allowed"),
    ],
)
def test_malformed_texts_do_not_match(shape: Shape, text: str) -> None:
    assert not proven(shape, text)


@given(st.text(max_size=12) | st.text('aé\u0301\n\t\\"\u202e\x7fກ锡', max_size=6), st.booleans())
def test_text_is_counted_and_decoded_alike(text: str, escape_all: bool) -> None:
    shape = Text(longest=4)
    check(shape, json.dumps(text, ensure_ascii=escape_all))
    check(shape, f'"{text}"')


@given(
    st.dates().map(str)
    | st.from_regex(
        r"[12]9[78]\d-[01]\d-[0-3]\dT[012]\d:[0-6]\d:[0-6]\d([Z]|[+-][012]\d:[0-6]\d)",
        fullmatch=True,
    )
)
def test_every_moment_that_matches_exists(text: str) -> None:
    check(MomentText(), f'"{text}"')


# Whole certificates, with the documents' own shapes.

SAMPLES = [issue_sample(document) for document in sample_documents()]
PARSED = [parse_certificate(issued.compact) for issued in SAMPLES]


@pytest.mark.parametrize("at", range(len(SAMPLES)))
def test_what_we_write_is_proven_by_its_text(at: int) -> None:
    parsed = PARSED[at]
    lines = plain_lines([parsed.jws.payload])

    assert lines is not None
    assert payload_kind(lines[0]) is parsed.credential.kind
    assert digests_in_order(parsed.credential.kind, parsed.payload)
    assert views._resolve_proven(parsed) == views._resolve_strictly(parsed)


def test_text_with_quotation_marks_and_line_feeds_is_proven_too() -> None:
    document = sample_documents()[0]
    document["title"]["en"] = 'The "title" of \\ it'
    document["statements"] = ["one\nline and\tanother"]
    parsed = parse_certificate(issue_sample(document).compact)
    lines = plain_lines([parsed.jws.payload])

    assert lines is not None
    assert payload_kind(lines[0]) is parsed.credential.kind
    proven_ = views._resolve_proven(parsed)
    assert proven_ == views._resolve_strictly(parsed)
    assert proven_ is not None
    assert proven_.fields["statements"] == ["one\nline and\tanother"]


def outcome(work: Any, *arguments: Any) -> object:
    """Return what a call gives, or the type, reason and text of its error."""
    try:
        return work(*arguments)
    except MalformedEvidenceError as error:
        return type(error), error.reason, str(error)


def strictly(data: bytes) -> object:
    payload = parse_json_object(data, what="certificate payload")
    return payload, parse_payload(payload)


@given(st.data(), st.sampled_from([0, 3]))
def test_an_edited_payload_ends_alike_both_ways(data: st.DataObject, at: int) -> None:
    text = data.draw(edited(PARSED[at].jws.payload.decode()))
    payload = text.encode("utf-8", "surrogatepass")
    assert outcome(read_payload, payload) == outcome(strictly, payload)


@given(st.data(), st.sampled_from([0, 3]))
def test_edited_disclosures_end_alike_both_ways(data: st.DataObject, at: int) -> None:
    """Disclosures are edited and signed anew, so that only their own text can be refused."""
    issued, parsed = SAMPLES[at], PARSED[at]
    which = data.draw(st.integers(0, len(issued.disclosures) - 1))
    old = issued.disclosures[which]
    text = data.draw(edited(unb64u(old, what="it").decode()))
    new = b64u(text.encode("utf-8", "surrogatepass"))
    payload = json.loads(
        parsed.jws.payload.replace(digest_of(old).encode(), digest_of(new).encode())
    )
    if data.draw(st.booleans()):  # a digest that moved is out of order unless sorted anew
        sort_digests(payload)
    jwt = sign_compact(text_of(payload).encode(), SIGNER, typ=TYP, cty=CTY)
    parts = [jwt, *(new if each == old else each for each in issued.disclosures), ""]
    changed = outcome(parse_certificate, "~".join(parts))
    if not isinstance(changed, tuple):
        both = outcome(views.resolve_certificate, changed)
        assert both == outcome(views._resolve_strictly, changed)


@given(st.data())
def test_any_selection_of_disclosures_ends_alike_both_ways(data: st.DataObject) -> None:
    foreign = SAMPLES[1].disclosures[:2]
    chosen = data.draw(st.lists(st.sampled_from([*SAMPLES[0].disclosures, *foreign]), max_size=40))
    parsed = replace(PARSED[0], disclosures=tuple(chosen))
    both = outcome(views.resolve_certificate, parsed)
    assert both == outcome(views._resolve_strictly, parsed)


def sort_digests(value: Any) -> None:
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "_sd":
                member.sort()
            sort_digests(member)
    elif isinstance(value, list):
        for member in value:
            sort_digests(member)
