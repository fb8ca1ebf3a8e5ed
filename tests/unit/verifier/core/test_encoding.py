from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.encoding import b64u, b64u_each, unb64u, unb64u_each
from verifier.core.errors import MalformedEvidenceError


@given(st.binary(max_size=200))
def test_agrees_with_the_standard_library_and_comes_back(data: bytes) -> None:
    text = b64u(data)

    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert unb64u(text, what="it") == data


@given(st.text(max_size=12) | st.text(alphabet="ABab01-_+/=~ \n", max_size=12))
def test_every_accepted_text_is_the_one_spelling_of_its_bytes(text: str) -> None:
    try:
        data = unb64u(text, what="it")
    except MalformedEvidenceError as error:
        assert error.reason == "base64url"  # noqa: PT017  (accepting is an outcome too)
    else:
        assert b64u(data) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("AA==", id="padding"),
        pytest.param("AA=", id="half a padding"),
        pytest.param("A", id="a single letter"),
        pytest.param("AB", id="stray bits behind one byte"),
        pytest.param("AAB", id="stray bits behind two bytes"),
        pytest.param("+/+/", id="letters of plain base64"),
        pytest.param("AA AA", id="white space"),
        pytest.param("AAAA\n", id="line feed"),
        pytest.param("ＡＡＡＡ", id="full-width letters"),
        pytest.param("AAAA~AAAA", id="separator of disclosures"),
        pytest.param("AA\x00A", id="a zero byte"),
    ],
)
def test_second_spellings_are_refused(text: str) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        unb64u(text, what="it")
    assert caught.value.reason == "base64url"


def test_a_wrong_length_is_refused() -> None:
    with pytest.raises(MalformedEvidenceError, match="must decode to 3 bytes, not 2") as caught:
        unb64u("AAA", what="it", length=3)
    assert caught.value.reason == "length"


@given(st.integers(1, 70).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size))))
def test_many_items_encode_as_one_by_one(items: list[bytes]) -> None:
    assert b64u_each(items) == [b64u(item).encode() for item in items]


@given(st.lists(st.binary(max_size=40), min_size=1))
def test_many_texts_decode_as_one_by_one(items: list[bytes]) -> None:
    assert unb64u_each([b64u(item) for item in items], what="it") == items


def test_one_bad_text_among_many_is_refused() -> None:
    with pytest.raises(MalformedEvidenceError):
        unb64u_each(["AAAA", "AA~AA", "AAAA"], what="it")
