"""Codes must be read back as written, at the size and level that the format promises."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from registry.certificates.rendering.codes import MODULE_MM, code_matrix, code_png, code_svg

LINK = "https://verify.lancang.example/c#i=" + "A" * 22 + "&h=" + "B" * 43
OFFLINE = "https://verify.lancang.example/o#" + "Zm9vYmFy" * 115


def read(png: bytes) -> zxingcpp.Barcode:
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))
    assert len(found) == 1
    return found[0]


@given(
    st.text(
        alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_#&=:/.",
        min_size=1,
        max_size=900,
    )
)
def test_every_text_is_read_back(text: str) -> None:
    assert read(code_png(text)).text == text


@pytest.mark.parametrize(("text", "millimetres"), [(LINK, 21), (OFFLINE, 51)])
def test_printed_size_stays_within_the_layout(text: str, millimetres: int) -> None:
    assert len(code_matrix(text)) * MODULE_MM <= millimetres


def test_error_correction_is_medium() -> None:
    assert read(code_png(LINK)).ec_level == "M"


def test_png_says_its_printed_size() -> None:
    picture = Image.open(io.BytesIO(code_png(LINK)))
    width_mm = picture.width / picture.info["dpi"][0] * 25.4
    assert width_mm == pytest.approx(len(code_matrix(LINK)) * MODULE_MM, rel=0.01)


def test_svg_draws_exactly_the_dark_modules() -> None:
    matrix = code_matrix(LINK)
    drawn = [bytearray(len(matrix)) for _ in matrix]
    path = code_svg(LINK).decode().split('stroke-width="1" d="')[1].split('"')[0]
    for run in path.split("M")[1:]:
        position, width = run.split("h")
        x, middle = position.split()
        assert middle.endswith(".5")
        for offset in range(int(width)):
            drawn[int(middle.removesuffix(".5"))][int(x) + offset] = 1
    assert drawn == matrix


def test_quiet_zone_is_four_modules_wide() -> None:
    matrix = code_matrix(LINK)
    border = [*matrix[:4], *matrix[-4:], *[row[:4] + row[-4:] for row in matrix]]
    assert not any(any(row) for row in border)


def test_text_beyond_ascii_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        code_matrix("https://验证.example/c#")
