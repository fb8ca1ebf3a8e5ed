"""One PDF of many, for a printer. It carries pages alone: no evidence, and it is no PDF/A."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from typing import Final

import pypdfium2 as pdfium

_ONE_AT_A_TIME: Final = threading.Lock()  # PDFium has state of its own and no threads


def merged_pdf(documents: Iterable[bytes], *, both_sides: bool = False) -> bytes:
    """Return the pages of PDFs of our own, one after the other.

    Args:
        documents: The PDFs.
        both_sides: Fill up with an empty page where needed, so that no sheet printed on both sides
            carries two documents.
    """
    with _ONE_AT_A_TIME, pdfium.PdfDocument.new() as merged:
        for document in documents:
            with pdfium.PdfDocument(document) as opened:
                merged.import_pages(opened)
                if both_sides and len(opened) % 2:
                    width, height = opened.get_page_size(len(opened) - 1)
                    merged.new_page(width, height)
        stream = io.BytesIO()
        merged.save(stream)
        return stream.getvalue()
