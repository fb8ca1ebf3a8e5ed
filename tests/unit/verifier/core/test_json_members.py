"""Reading an object member by member: every type and bound, and the place in the message."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from verifier.core.errors import MalformedEvidenceError
from verifier.core.json_members import Members

OBJECT = Members(
    {"text": "abc", "number": 7, "flag": True, "none": None, "list": ["a", 1], "child": {"x": 1}},
    "thing",
)


def test_reads_what_is_there() -> None:
    assert OBJECT.text("text", pattern=re.compile("[a-c]+")) == "abc"
    assert OBJECT.integer("number", least=7, most=7) == 7
    assert OBJECT.flag("flag") is True
    assert OBJECT.child("child").integer("x") == 1
    assert OBJECT.optional_text("none", pattern=re.compile("x")) is None
    assert OBJECT.optional_child("none", lambda child: child) is None


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        pytest.param(lambda: OBJECT.text("absent"), "members", id="missing"),
        pytest.param(lambda: OBJECT.expect("text"), "members", id="unknown"),
        pytest.param(lambda: OBJECT.text("number"), "type", id="number for text"),
        pytest.param(lambda: OBJECT.text("none"), "type", id="null for text"),
        pytest.param(lambda: OBJECT.text("text", longest=2), "value", id="too long"),
        pytest.param(
            lambda: OBJECT.text("text", pattern=re.compile("ab")), "value", id="longer than pattern"
        ),
        pytest.param(lambda: OBJECT.texts("list"), "type", id="number among texts"),
        pytest.param(lambda: OBJECT.texts("text"), "type", id="text for a list"),
        pytest.param(lambda: OBJECT.integer("flag"), "type", id="true for a number"),
        pytest.param(lambda: OBJECT.integer("text"), "type", id="text for a number"),
        pytest.param(lambda: OBJECT.integer("number", least=8), "value", id="too small"),
        pytest.param(lambda: OBJECT.integer("number", most=6), "value", id="too large"),
        pytest.param(lambda: OBJECT.flag("number"), "type", id="number for a flag"),
        pytest.param(lambda: OBJECT.child("list"), "type", id="list for an object"),
        pytest.param(lambda: OBJECT.children("list"), "type", id="text among objects"),
        pytest.param(lambda: OBJECT.children("child"), "type", id="object for a list"),
    ],
)
def test_refuses(read: Callable[[], object], reason: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=r"^thing") as caught:
        read()
    assert caught.value.reason == reason


def test_ordinary_text_is_bounded() -> None:
    with pytest.raises(MalformedEvidenceError, match="longer than 256"):
        Members({"text": "x" * 257}, "thing").text("text")


def test_message_names_the_place() -> None:
    with pytest.raises(MalformedEvidenceError, match=r"^thing\.child\.x: must be text$"):
        OBJECT.child("child").text("x")
