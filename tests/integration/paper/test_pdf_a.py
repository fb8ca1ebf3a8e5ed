"""What PDF/A-3a asks of a file (ISO 19005-3:2012), as far as its structure shows it.

This is no validator. veraPDF is one, but it comes from none of the package sources that the
project uses. Not looked at: content streams, glyph widths, the schema of extended metadata.
"""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest
from PIL import Image

from registry.certificates.rendering.letterhead import Letterhead
from registry.certificates.rendering.paper import render_pdf
from tests.support.pdf_structure import PdfStructure
from tests.support.sheets import FONTS, SAMPLES, sheet

FORBIDDEN = (
    *("JavaScript", "JS", "Launch", "AA", "OpenAction", "XFA", "AcroForm", "Movie", "Sound"),
    *("RichMedia", "3D", "Encrypt", "LZWDecode", "Crypt", "PS", "OPI", "Alternates"),
)


def _logo() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (60, 20), "navy").save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module", params=SAMPLES["documents"], ids=lambda each: each["number"])
def pdf(request: pytest.FixtureRequest) -> bytes:
    head = Letterhead(logo=_logo(), lines=("Letter Lane 7",), marks={"CNAS": _logo()})
    return render_pdf(sheet(request.param, letterhead=head), fonts=FONTS)


@pytest.fixture(scope="module")
def parts(pdf: bytes) -> PdfStructure:
    return PdfStructure.of(pdf)


def test_file_structure(pdf: bytes, parts: PdfStructure) -> None:  # 6.1.2, 6.1.3
    assert re.match(rb"%PDF-1\.[0-7]\n%[\x80-\xff]{4}", pdf)
    assert pdf.rstrip(b"\r\n").endswith(b"%%EOF")
    assert re.search(rb"/ID ?\[", parts.trailer)
    assert b"/Encrypt" not in parts.trailer


def test_nothing_forbidden(parts: PdfStructure) -> None:  # 6.1.7, 6.2.8, 6.5, 6.6
    found = {name for each in parts.objects.values() for name in FORBIDDEN if each.has(name)}
    assert not found
    assert not [each for each in parts.objects.values() if b"/Interpolate true" in each.head]


def test_colours_have_an_embedded_profile(parts: PdfStructure) -> None:  # 6.2.3
    [intent] = parts.many(parts.catalog.head, "OutputIntents")
    assert intent.has("GTS_PDFA1")
    profile = parts.one(intent.head, "DestOutputProfile")
    assert b"/N 3" in profile.head
    assert profile.content[36:40] == b"acsp"


def test_fonts_are_embedded_and_can_be_searched(parts: PdfStructure) -> None:  # 6.2.11
    fonts = parts.with_type("Font")
    assert fonts
    for font in fonts:
        if font.has("Type0"):
            assert b"begincmap" in parts.one(font.head, "ToUnicode").content
            assert parts.many(font.head, "DescendantFonts")
        else:
            descriptor = parts.one(font.head, "FontDescriptor")
            if font.has("CIDFontType2"):
                assert font.has("CIDToGIDMap")
                assert parts.one(descriptor.head, "FontFile2").content[:4] == b"\0\1\0\0"
            else:
                assert font.has("CIDFontType0")
                assert parts.one(descriptor.head, "FontFile3").has("CIDFontType0C")


def test_metadata_says_what_the_information_says(parts: PdfStructure) -> None:  # 6.6.2, 6.6.4
    metadata = parts.one(parts.catalog.head, "Metadata")
    assert b"/Filter" not in metadata.head
    text = metadata.content.decode()
    assert "<pdfaid:part>3</pdfaid:part>" in text
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in text
    information = parts.one(parts.trailer, "Info").head
    title = re.search(rb"/Title ?<([0-9A-F]+)>", information)
    assert title
    assert bytes.fromhex(title[1].decode()).decode("utf-16") in text
    created = re.search(rb"/CreationDate ?\(D:(\d{14})", information)
    assert created
    written = re.search(r"<xmp:CreateDate>([^<]+)<", text)
    assert written
    moment = datetime.fromisoformat(written[1]).astimezone(UTC)
    assert moment.strftime("%Y%m%d%H%M%S") == created[1].decode()


def test_structure_language_and_alternatives(parts: PdfStructure) -> None:  # 6.7
    catalog = parts.catalog
    assert b"/Marked true" in catalog.head
    assert catalog.has("StructTreeRoot")
    assert re.search(rb"/Lang ?\(\w\w", catalog.head)
    elements = [each.head for each in parts.objects.values() if each.has("Alt")]
    for words in (b"Link code of", b"Offline code of", b"Logo"):
        assert any(words in each for each in elements)


def test_attachments_say_what_they_are(parts: PdfStructure) -> None:  # 6.8
    files = parts.with_type("Filespec")
    assert len(files) == 2
    assert {id(each) for each in parts.many(parts.catalog.head, "AF")} == set(map(id, files))
    for file in files:
        assert all(file.has(key) for key in ("F", "UF", "AFRelationship", "Desc"))
        embedded = parts.one(file.head, "UF")
        assert embedded.has("Subtype")
        assert embedded.has("ModDate")
