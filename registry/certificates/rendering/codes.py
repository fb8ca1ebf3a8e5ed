"""Codes as pictures: one byte-mode QR symbol, error correction M, dark on white, quiet zone of 4.

Source: docs/evidence-format.md, section "QR codes"; ISO/IEC 18004.
"""

from __future__ import annotations

import io
from typing import Final

import qrcode
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M

MODULE_MM: Final = 0.4  # smaller modules fail at mild blur, whatever the error correction
QUIET_MODULES: Final = 4
_PIXELS_PER_MODULE: Final = 8
_MASK: Final = 2  # a fixed mask saves the search over all eight, half of the time


Matrix = list[list[bool]]


def code_matrix(text: str) -> Matrix:
    """Return the modules of the QR symbol of `text`, quiet zone included; True is dark.

    The text is one byte-mode segment: some readers stop at the first segment of another mode.

    Raises:
        qrcode.exceptions.DataOverflowError: The text does not fit the largest symbol.
    """
    symbol = qrcode.QRCode(
        error_correction=ERROR_CORRECT_M, border=QUIET_MODULES, mask_pattern=_MASK
    )
    segment = qrcode.util.QRData(text.encode("ascii"), mode=qrcode.util.MODE_8BIT_BYTE)
    symbol.add_data(segment, optimize=0)
    symbol.make(fit=True)
    matrix: Matrix = symbol.get_matrix()
    return matrix


def code_png(text: str) -> bytes:
    """Return the symbol as a black-and-white PNG whose resolution gives modules of `MODULE_MM`."""
    matrix = code_matrix(text)
    size = len(matrix)
    picture = Image.new("1", (size, size), 1)
    picture.putdata([0 if dark else 1 for row in matrix for dark in row])
    picture = picture.resize((size * _PIXELS_PER_MODULE,) * 2, Image.Resampling.NEAREST)
    dpi = _PIXELS_PER_MODULE / MODULE_MM * 25.4
    stream = io.BytesIO()
    picture.save(stream, format="PNG", dpi=(dpi, dpi))
    return stream.getvalue()


def code_svg(text: str) -> bytes:
    """Return the symbol as an SVG of its printed size, one path of dark runs."""
    matrix = code_matrix(text)
    size = len(matrix)
    runs = [
        f"M{start} {y}h{end - start}v1h-{end - start}z"
        for y, row in enumerate(matrix)
        for start, end in _dark_runs(row)
    ]
    millimetres = f"{size * MODULE_MM:.1f}mm"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{millimetres}" height="{millimetres}" '
        f'viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/>'
        f'<path fill="#000" d="{"".join(runs)}"/></svg>'
    ).encode("ascii")


def _dark_runs(row: list[bool]) -> list[tuple[int, int]]:
    edges = [x for x in range(len(row) + 1) if (x < len(row) and row[x]) != (x > 0 and row[x - 1])]
    return list(zip(edges[::2], edges[1::2], strict=True))
