"""Forms as browsers send them, and as they do not."""

from __future__ import annotations

import contextlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.kit.forms import MAX_FIELDS, MalformedFormError, UploadedFile, parse_form

_TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


def sent(**options: object) -> tuple[str, bytes]:
    """Return content type and body as a client of others makes them."""
    request = httpx.Request("POST", "http://test/", **options)  # type: ignore[arg-type]
    return request.headers["content-type"], request.read()


@given(st.dictionaries(st.sampled_from("abc"), st.lists(_TEXT, min_size=1, max_size=3)))
def test_urlencoded_fields_come_back(fields: dict[str, list[str]]) -> None:
    if fields:
        form = parse_form(*sent(data=fields))
        assert {name: form.texts(name) for name in fields} == fields


@given(st.binary(max_size=200), _TEXT)
def test_files_and_fields_come_back_as_they_were(content: bytes, value: str) -> None:
    form = parse_form(*sent(data={"v": value}, files={"f": ("名.pdf", content, "application/pdf")}))
    assert form.raw("v") == value
    assert form.chosen_files("f") == [UploadedFile("名.pdf", content)]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_refused(body: bytes) -> None:
    for kind in ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
        with contextlib.suppress(MalformedFormError):
            parse_form(kind, body)


def test_names_of_files_are_no_paths() -> None:
    for name in ("/etc/passwd", "..\\..\\passwd", "C:\\passwd"):
        form = parse_form(*sent(files={"f": (name, b"x")}))
        assert form.chosen_files("f")[0].name == "passwd"


def test_no_file_chosen() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\n\r\n--x--\r\n'
    assert parse_form("multipart/form-data; boundary=x", body).chosen_files("f") == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param("application/json", b"{}", id="no form"),
        pytest.param("multipart/form-data", b"", id="no boundary"),
        pytest.param("multipart/form-data; boundary=x", b"--x\r\n", id="cut short"),
        pytest.param("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\nv\r\n--x--", id="no name"),
        pytest.param(
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n\xff\r\n--x--',
            id="not UTF-8",
        ),
        pytest.param(
            "application/x-www-form-urlencoded", b"&".join([b"a=1"] * (MAX_FIELDS + 1)), id="many"
        ),
        pytest.param("application/x-www-form-urlencoded", b"a=%ff", id="escaped, not UTF-8"),
    ],
)
def test_malformed(kind: str, body: bytes) -> None:
    with pytest.raises(MalformedFormError):
        parse_form(kind, body)
