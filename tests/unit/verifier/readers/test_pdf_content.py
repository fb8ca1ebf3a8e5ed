"""What the PDF worker extracts and what it refuses, without its process around it."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

import pypdfium2
import pytest
from PIL import Image

from tests.support.pages import LINK, OFFLINE, pdf, strip
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.readers import pdf_worker
from verifier.readers.pdf_worker import Refusal, extract

EMPTY = Image.new("L", (10, 10), 255)
SMALL = "0 0 72 72"
PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
_SCRIPT = "/S /JavaScript /JS (app.alert)"


@pytest.fixture(scope="module")
def sheet() -> Image.Image:
    return strip(OFFLINE, LINK)


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget counts the processor time of this whole test run."""
    monkeypatch.setattr(pdf_worker, "SEARCH_CPU_SECONDS", 1e9)


def test_attachments_and_codes(sheet: Image.Image) -> None:
    attachments = {"c.sdjwt": b"token", "c.receipt.json": b"{}", "photo.jpg": b"x"}
    box = f"0 0 {sheet.width // 2} {sheet.height // 2}"
    found = extract(pdf(sheet, media_box=box, attachments=attachments))
    assert found["tokens"] == ["dG9rZW4="]
    assert found["receipts"] == ["e30="]
    assert found["codes"] == [OFFLINE, LINK]
    assert found["all_searched"] is True


def test_codes_on_the_last_of_many_pages(sheet: Image.Image) -> None:
    pages = [EMPTY] * 15 + [sheet]
    box = f"0 0 {sheet.width // 2} {sheet.height // 2}"
    found = extract(pdf(*pages, media_box=box, attachments={"c.sdjwt": b"token"}))
    assert found["codes"] == [OFFLINE, LINK]


def test_pages_in_the_middle_of_a_long_document_are_left_out() -> None:
    found = extract(pdf(*[EMPTY] * 13, media_box=SMALL, attachments={"c.sdjwt": b"token"}))
    assert (found["codes"], found["all_searched"]) == ([], False)


def test_the_search_ends_when_its_time_is_used_up(
    sheet: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_worker, "SEARCH_CPU_SECONDS", 0)
    found = extract(pdf(sheet, attachments={"c.sdjwt": b"token"}))
    assert (found["tokens"], found["codes"], found["all_searched"]) == (["dG9rZW4="], [], False)


@pytest.mark.parametrize("box", ["0 0 14400 14400", "0 0 1 14400", "0 0 0 0", "-9 -9 9 9"])
def test_odd_pages(box: str) -> None:
    assert extract(pdf(EMPTY, media_box=box, attachments={"c.sdjwt": b"t"}))["codes"] == []


def _rc4(key: bytes, data: bytes) -> Iterator[int]:
    box = list(range(256))
    other = 0
    for i in range(256):
        other = (other + box[i] + key[i % len(key)]) % 256
        box[i], box[other] = box[other], box[i]
    i = other = 0
    for byte in data:
        i = (i + 1) % 256
        other = (other + box[i]) % 256
        box[i], box[other] = box[other], box[i]
        yield byte ^ box[(box[i] + box[other]) % 256]


def encryption(*, password: bool) -> str:
    """Return trailer members of the oldest PDF encryption, with an empty or unknown password."""
    owner, identity, permissions = b"o" * 32, b"i" * 16, -4
    material = PAD + owner + struct.pack("<i", permissions) + identity
    key = hashlib.md5(material, usedforsecurity=False).digest()[:5]
    user = b"u" * 32 if password else bytes(_rc4(key, PAD))
    return (
        f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{owner.hex()}> /U <{user.hex()}> "
        f"/P {permissions} >> /ID [ <{identity.hex()}> <{identity.hex()}> ]"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(pdf(EMPTY, trailer=encryption(password=True)), "encrypted", id="password"),
        pytest.param(
            pdf(EMPTY, trailer=encryption(password=False)), "encrypted", id="empty password"
        ),
        pytest.param(
            pdf(EMPTY, catalog=f"/OpenAction << {_SCRIPT} >>"), "active_content", id="script"
        ),
        pytest.param(
            pdf(EMPTY, catalog="/OpenAction << /S /J#61vaScript /JS (x) >>"),
            "active_content",
            id="script under an escaped name",
        ),
        pytest.param(
            pdf(EMPTY, in_object_stream=f"<< {_SCRIPT} >>"),
            "active_content",
            id="script in an object stream",
        ),
        pytest.param(
            pdf(EMPTY, more=["<< /S /Launch /F (calc.exe) >>"]), "active_content", id="program"
        ),
        pytest.param(pdf(EMPTY, pages=10_000), "limit_exceeded", id="10 000 pages"),
        pytest.param(
            pdf(EMPTY, attachments={f"{n}.sdjwt": b"x" for n in range(65)}),
            "limit_exceeded",
            id="65 attachments",
        ),
        pytest.param(
            pdf(EMPTY, attachments={"c.sdjwt": bytes(MAX_DOCUMENT_BYTES + 1)}),
            "limit_exceeded",
            id="inflating attachment",
        ),
        pytest.param(
            pdf(EMPTY, in_object_stream=" " * (33 * 1024 * 1024)),
            "limit_exceeded",
            id="inflating object stream",
        ),
    ],
)
def test_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        extract(data)


def test_no_pages() -> None:
    # PDFium says no reason here and leaves that of the document before in this process.
    with pytest.raises((Refusal, pypdfium2.PdfiumError)):
        extract(pdf(pages=0))


def test_the_words_of_a_certificate_are_no_script() -> None:
    assert extract(pdf(EMPTY, media_box=SMALL, more=["(on /JavaScripting)"]))["codes"] == []


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"%PDF-1.7\n", id="only the beginning"),
        pytest.param(b"%PDF-1.7\n" + b"garbage " * 100, id="garbage"),
        pytest.param(pdf(EMPTY)[:200], id="cut off"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_damaged(data: bytes) -> None:
    with pytest.raises(pypdfium2.PdfiumError):
        extract(data)
