"""Whole A4 pages with codes of 0.4 mm modules, as scanners and phones see them, and as PDF."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.support.pages import DPI, LINK, OFFLINE, encoded, page, pdf, photographed
from verifier.readers import read


@pytest.fixture(scope="module")
def sheet() -> Image.Image:
    return page(OFFLINE, LINK)


def test_both_codes_of_a_rendered_page(sheet: Image.Image) -> None:
    assert sheet.width == round(8.27 * DPI)
    assert read(encoded(sheet), name="page.png").codes == (OFFLINE, LINK)


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param({"blur": 0.95, "degrees": 7, "perspective": 0.03}, id="mild everything"),
        pytest.param({"blur": 1.2, "degrees": -12, "perspective": 0.03, "noise": 8}, id="grainy"),
        pytest.param({"blur": 1.5, "degrees": 3}, id="out of focus"),
        pytest.param({"blur": 1.2, "degrees": 45}, id="at 45 degrees"),
        pytest.param({"blur": 0.8, "degrees": 180}, id="upside down"),
        pytest.param({"blur": 0.9, "noise": 30}, id="in bad light"),
    ],
)
def test_a_photograph_at_200_dpi_reads_back(sheet: Image.Image, taken: dict[str, float]) -> None:
    picture = encoded(photographed(sheet, **taken), "JPEG", quality=80)
    assert read(picture, name="photograph").codes[0] == OFFLINE


def test_a_large_photograph(sheet: Image.Image) -> None:
    large = sheet.resize((sheet.width * 4, sheet.height * 4), Image.Resampling.BICUBIC)
    for kind in ("JPEG", "PNG"):
        assert read(encoded(large, kind), name="large").codes == (OFFLINE, LINK)


def test_a_scan_that_somebody_made_into_a_pdf(sheet: Image.Image) -> None:
    scan = pdf(photographed(sheet, blur=1.4, degrees=2))
    assert read(scan, name="scan.pdf").codes[0] == OFFLINE


def test_a_printed_pdf(sheet: Image.Image) -> None:
    attachments = {"c.sdjwt": b"eyJ.e30.x~\n", "c.receipt.json": b'{"receipt":1}'}
    found = read(pdf(sheet, attachments=attachments), name="certificate.pdf")
    assert (found.token, found.receipt) == ("eyJ.e30.x~", b'{"receipt":1}')
    assert found.codes == (OFFLINE, LINK)
    assert found.warnings == ()
