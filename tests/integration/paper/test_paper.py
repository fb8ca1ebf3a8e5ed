"""The printed page: codes survive printing and scanning, text is data, evidence is attached."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
import zxingcpp
from PIL import Image, ImageFilter

from registry.certificates.rendering.paper import FontsMissingError, font_directories, render_pdf
from tests.support.sheets import BODIES, FONTS, LINK, OFFLINE, SAMPLES, sheet

DOCUMENTS = pytest.mark.parametrize(
    "document", SAMPLES["documents"], ids=lambda document: document["number"]
)


def pages(pdf: bytes, dpi: int = 200) -> list[Image.Image]:
    with pdfium.PdfDocument(pdf) as opened:
        return [page.render(scale=dpi / 72).to_pil() for page in opened]


def text_of(pdf: bytes) -> str:
    with pdfium.PdfDocument(pdf) as opened:
        return "\n".join(page.get_textpage().get_text_range() for page in opened)


def codes_on(pictures: list[Image.Image]) -> set[str]:
    return {code.text for picture in pictures for code in zxingcpp.read_barcodes(picture)}


def scanned(page: Image.Image) -> Image.Image:
    """A page as a mediocre scanner sees it: turned, in perspective, a little blurred."""
    width, height = page.size
    grey = page.convert("L").rotate(3.5, expand=False, fillcolor=255)
    shift = width * 0.012
    quad = (shift, 0, 0, height - shift, width - shift, height, width, shift)
    bent = grey.transform(
        page.size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC, fillcolor=255
    )
    return bent.filter(ImageFilter.GaussianBlur(0.8))


@DOCUMENTS
def test_both_codes_are_read_back_from_a_mediocre_scan_at_200_dpi(
    document: dict[str, Any],
) -> None:
    pictures = [scanned(page) for page in pages(render_pdf(sheet(document), fonts=FONTS))]
    assert codes_on(pictures) == {LINK, OFFLINE}


@DOCUMENTS
def test_number_and_issuer_are_on_every_page(document: dict[str, Any]) -> None:
    pdf = render_pdf(sheet(document), fonts=FONTS)
    with pdfium.PdfDocument(pdf) as opened:
        for page in opened:
            assert document["number"] in page.get_textpage().get_text_range()
    assert BODIES[document["issuer"]["body"]]["name"]["en"] in text_of(pdf)


def test_evidence_is_attached_byte_for_byte() -> None:
    pdf = render_pdf(sheet(SAMPLES["documents"][0]), fonts=FONTS)
    with pdfium.PdfDocument(pdf) as opened:
        attached = {
            (entry := opened.get_attachment(index)).get_name(): bytes(entry.get_data())
            for index in range(opened.count_attachments())
        }
    assert attached == {
        "certificate.sdjwt": b"header.payload.signature~",
        "certificate.receipt.json": b'{"receipt":1}',
    }


def test_pdf_claims_pdf_a_3() -> None:
    pdf = render_pdf(sheet(SAMPLES["documents"][0]), fonts=FONTS)
    assert b"<pdfaid:part>3</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in pdf


def test_same_sheet_gives_the_same_bytes() -> None:
    one = sheet(SAMPLES["documents"][2])
    assert render_pdf(one, fonts=FONTS) == render_pdf(one, fonts=FONTS)


def test_withheld_fields_are_named_and_withheld_results_keep_their_conclusion() -> None:
    document = copy.deepcopy(SAMPLES["documents"][0])
    del document["customer"]["name"]
    document["results"][0] = {"conclusion": "fail", "accredited": True}
    text = text_of(
        render_pdf(
            sheet(document, withheld=["customer.name", "results.1.detail"], destination="LA"),
            fonts=FONTS,
        )
    )
    assert "withheld from this view" in text
    assert "FAIL" in text
    assert "Demo Fruit Import" not in text


def test_markup_in_a_document_is_shown_as_text() -> None:
    document = copy.deepcopy(SAMPLES["documents"][0])
    hostile = '#panic("x") *bold* $x$ <script>alert(1)</script> @ref'
    document["customer"]["name"] = hostile
    shown = text_of(render_pdf(sheet(document), fonts=FONTS)).replace("\r\n", " ")
    assert "#panic" in shown
    assert "*bold*" in shown
    assert "<script>" in shown


def test_real_documents_carry_no_demonstration_mark() -> None:
    document = copy.deepcopy(SAMPLES["documents"][0])
    document["demonstration"] = False
    assert "DEMONSTRATION" not in text_of(render_pdf(sheet(document), fonts=FONTS))


def test_missing_fonts_are_named(tmp_path: Path) -> None:
    with pytest.raises(FontsMissingError, match=r"make install"):
        font_directories(tmp_path)


@pytest.mark.parametrize(
    ("language", "label"),
    [("lo", "ລາຍລະອຽດ"), ("vi", "Khách hàng"), ("th", "ภาพตัวอย่าง"), ("ru", "Заказчик")],
)
def test_draft_languages_are_printed_and_called_unreviewed(language: str, label: str) -> None:
    document = copy.deepcopy(SAMPLES["documents"][0])
    document["languages"] = [language]
    text = text_of(render_pdf(sheet(document), fonts=FONTS)).replace("\r\n", " ")
    # Readers put spaces around marks above and below letters.
    assert label.replace(" ", "") in "".join(text.split())
    assert "nobody has reviewed" in text
    assert "Customer" in text


def test_languages_of_our_own_are_not_called_unreviewed() -> None:
    text = text_of(render_pdf(sheet(SAMPLES["documents"][0]), fonts=FONTS))
    assert "reviewed" not in text


def test_what_has_no_unit_shows_none() -> None:
    document = copy.deepcopy(SAMPLES["documents"][0])
    row = document["results"][0]
    row["result"]["reported"], row["unit"] = "0.77", "1"
    text = text_of(render_pdf(sheet(document), fonts=FONTS)).replace("\r\n", " ")
    assert "0.77" in text
    assert "0.77 1" not in text
