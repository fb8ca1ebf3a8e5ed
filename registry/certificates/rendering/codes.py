"""Codes as pictures: one byte-mode QR symbol, error correction M, dark on white, quiet zone of 4.

Source: docs/evidence-format.md, section "QR codes"; ISO/IEC 18004.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Final

from PIL import Image

from registry.certificates.rendering.qr_symbol import qr_rows

MODULE_MM: Final = 0.4  # smaller modules fail at mild blur, whatever the error correction
QUIET_MODULES: Final = 4
_PIXELS_PER_MODULE: Final = 8
_SHADES: Final = bytes([255, 0]) + bytes(254)
_DARK_RUN: Final = re.compile(rb"\x01+")


def code_matrix(text: str) -> Sequence[bytes]:
    """Return the rows of the QR symbol of `text`, quiet zone included, 1 for a dark module.

    The text is one byte-mode segment: some readers stop at the first segment of another mode.

    Raises:
        UnicodeEncodeError: The text is not ASCII.
        qrcode.exceptions.DataOverflowError: The text does not fit the largest symbol.
    """
    rows = qr_rows(text.encode("ascii"))
    quiet = bytes(QUIET_MODULES)
    blank = [bytes(len(rows) + 2 * QUIET_MODULES)] * QUIET_MODULES
    return [*blank, *(quiet + row + quiet for row in rows), *blank]


def code_png(text: str) -> bytes:
    """Return the symbol as a black-and-white PNG whose resolution gives modules of `MODULE_MM`."""
    matrix = code_matrix(text)
    size = len(matrix)
    shades = b"".join(matrix).translate(_SHADES)
    picture = Image.frombytes("L", (size, size), shades).convert("1")
    picture = picture.resize((size * _PIXELS_PER_MODULE,) * 2, Image.Resampling.NEAREST)
    dpi = _PIXELS_PER_MODULE / MODULE_MM * 25.4
    stream = io.BytesIO()
    picture.save(stream, format="PNG", dpi=(dpi, dpi))
    return stream.getvalue()


def code_svg(text: str) -> bytes:
    """Return the symbol as an SVG of its printed size.

    Every run of dark modules is a line as wide as a module, all in one path, so that they are
    painted at once and leave no seams. As areas they would be three times as much to write.
    """
    matrix = code_matrix(text)
    size = len(matrix)
    runs = [
        f"M{start} {y}.5h{end - start}"
        for y, row in enumerate(matrix)
        for start, end in map(re.Match.span, _DARK_RUN.finditer(row))
    ]
    millimetres = f"{size * MODULE_MM:.1f}mm"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{millimetres}" height="{millimetres}" '
        f'viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/>'
        f'<path fill="none" stroke="#000" stroke-width="1" d="{"".join(runs)}"/></svg>'
    ).encode("ascii")
