"""The quick encoder draws exactly what the `qrcode` package draws for one byte-mode segment."""

from __future__ import annotations

import hashlib

import pytest
import qrcode
from hypothesis import given
from hypothesis import strategies as st
from qrcode.constants import ERROR_CORRECT_M
from qrcode.exceptions import DataOverflowError

from registry.certificates.rendering.qr_symbol import MASK, qr_rows

# Bytes that fit at level M, ISO/IEC 18004 table 7: every change of layout and a few between.
CAPACITY = {1: 14, 2: 26, 6: 106, 7: 122, 8: 152, 9: 180, 10: 213, 11: 251, 21: 711, 25: 997,
            26: 1059, 27: 1125, 40: 2331}  # fmt: skip


def reference(text: bytes) -> list[bytes]:
    symbol = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0, mask_pattern=MASK)
    segment = qrcode.util.QRData(text, mode=qrcode.util.MODE_8BIT_BYTE)
    symbol.add_data(segment, optimize=0)
    symbol.make(fit=True)
    return [bytes(row) for row in symbol.get_matrix()]


@pytest.mark.parametrize("version", CAPACITY)
@pytest.mark.parametrize("spare", [0, 1, 2])
def test_full_symbols_equal_those_of_qrcode(version: int, spare: int) -> None:
    text = hashlib.shake_256(bytes([version])).digest(CAPACITY[version] - spare)
    drawn = qr_rows(text)
    assert len(drawn) == 17 + 4 * version
    assert drawn == reference(text)


@given(st.binary(max_size=230))
def test_every_text_equals_that_of_qrcode(text: bytes) -> None:
    assert qr_rows(text) == reference(text)


def test_digits_stay_in_the_one_byte_segment() -> None:
    text = b"1234567890" * 20
    assert qr_rows(text) == reference(text)


def test_next_version_begins_with_the_next_byte() -> None:
    for version, capacity in CAPACITY.items():
        if version < 40:
            assert len(qr_rows(bytes(capacity + 1))) == 21 + 4 * version


def test_text_beyond_the_largest_symbol_is_refused() -> None:
    with pytest.raises(DataOverflowError):
        qr_rows(bytes(CAPACITY[40] + 1))
