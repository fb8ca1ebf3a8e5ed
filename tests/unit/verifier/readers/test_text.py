"""Text is told apart by its form alone; what it says is for others to judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pages import LINK, OFFLINE
from verifier.core.errors import LimitExceededError
from verifier.core.limits import MAX_CODE_CHARS, MAX_DOCUMENT_BYTES
from verifier.readers import Material, read

TOKEN = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln~ZGlzY2xvc3VyZQ~"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(TOKEN.encode(), Material(token=TOKEN), id="token"),
        pytest.param(f"\r\n {TOKEN}\r\n".encode(), Material(token=TOKEN), id="white space around"),
        pytest.param(b'{"receipt": 1}\n', Material(receipt=b'{"receipt": 1}'), id="receipt"),
        pytest.param(OFFLINE.encode(), Material(codes=(OFFLINE,)), id="offline code"),
        pytest.param(f"{LINK}\n".encode(), Material(codes=(LINK,)), id="link code"),
        pytest.param(b"https://a.example/", Material(codes=("https://a.example/",)), id="address"),
        pytest.param(b"", Material(), id="nothing"),
        pytest.param(b"PK\x03\x04 a spreadsheet", Material(), id="another format"),
        pytest.param("证书".encode(), Material(), id="words"),
        pytest.param(b"\xff\xfe" + TOKEN.encode("utf-16-le"), Material(), id="UTF-16"),
        pytest.param(b"eyJhbGciOiJFUzI1NiJ9.e30", Material(), id="two segments"),
        pytest.param(b"RIFF\x00\x00\x00\x00WEBPVP8 ", Material(), id="a picture of another kind"),
    ],
)
def test_kinds(data: bytes, found: Material) -> None:
    assert read(data, name="input") == found


@pytest.mark.parametrize(
    "data",
    [
        TOKEN.encode() + b"A" * MAX_DOCUMENT_BYTES,
        b"{" * (MAX_DOCUMENT_BYTES + 1),
        b"https://a.example/o#" + b"A" * MAX_CODE_CHARS,
    ],
)
def test_too_long(data: bytes) -> None:
    with pytest.raises(LimitExceededError):
        read(data, name="input")


@given(st.binary(max_size=200))
def test_any_text_is_read_or_left_alone(data: bytes) -> None:
    found = read(b" " + data.replace(b"%PDF-", b""), name="input")
    assert found.token is None or found.token.isascii()
