"""Parses one PDF in a confined process; run as a program by `verifier.readers.pdf`.

Reads the PDF from standard input and writes one JSON object to standard output: what was found, or
`{"problem": <reason>}`. The other side believes none of it before checking.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from verifier.core.limits import MAX_DOCUMENT_BYTES, MAX_PDF_BYTES
from verifier.readers.confinement import UnconfinedError, prepare
from verifier.readers.qr import find_codes, has_both, has_offline

MAX_PAGES: Final = 200  # a certificate with 300 results has about 20
MAX_SEARCHED_PAGES: Final = 12  # codes stand on the first or last page; each costs about 0.1 s
MAX_ATTACHMENTS: Final = 64
MAX_INFLATED_BYTES: Final = 32 * 1024 * 1024  # of object streams searched for actions
MAX_PAGE_PIXELS: Final = 12_000_000  # A4 at 300 dpi has 8.7 million; larger pages get less
SEARCH_CPU_SECONDS: Final = 4.0  # leaves time to answer before the limit on this process
# Dots per inch, and whether to be patient, as with a scan that somebody made into a PDF.
_PASSES: Final = ((200, False), (300, False), (300, True))
_POINTS_PER_INCH: Final = 72
_LEAST_POINTS: Final = 1.0

TOKEN_NAME: Final = ".sdjwt"  # noqa: S105  (the end of a file name)
RECEIPT_NAME: Final = ".receipt.json"

_ACTION: Final = re.compile(rb"/(?:JavaScript|Launch)(?![A-Za-z])")
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM: Final = re.compile(rb"stream\r?\n")
_DICTIONARY_BYTES: Final = 512  # before a stream, in which its type is looked for
_PASSWORD_ERROR: Final = 4  # FPDF_ERR_PASSWORD

Json = dict[str, object]


class Refusal(Exception):  # noqa: N818  (never leaves the worker)
    """The document is not read any further; the message is the stable reason."""


def main() -> None:
    """Read, confine this process, parse, answer."""
    try:
        confine = prepare()
        data = sys.stdin.buffer.read(MAX_PDF_BYTES + 1)
        _rehearse()
        filtered = confine()
    except UnconfinedError:
        _answer({"problem": "unconfined"})
    try:
        _answer({"filtered": filtered, **extract(data)})
    except Refusal as refusal:
        _answer({"problem": str(refusal)})
    except (pypdfium2.PdfiumError, MemoryError, ValueError, OSError):
        _answer({"problem": "pdf"})


def extract(data: bytes) -> Json:
    """Return attachments of ours in base64, the texts of codes, and whether pages were left out.

    Raises:
        Refusal: It is encrypted, has active content or too much of something.
        pypdfium2.PdfiumError: It is damaged.
    """
    _check_actions(data)
    document = _open(data)
    pages = len(document)
    if pages > MAX_PAGES:
        raise Refusal("limit_exceeded")
    attachments = list(_attachments(document))
    tokens = [_base64(part) for name, part in attachments if name.endswith(TOKEN_NAME)]
    codes, all_searched = _search(document, _PASSES[:-1] if tokens else _PASSES)
    return {
        "tokens": tokens,
        "receipts": [_base64(part) for name, part in attachments if name.endswith(RECEIPT_NAME)],
        "codes": codes,
        "all_searched": all_searched,
    }


def _open(data: bytes) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise Refusal("encrypted") from error
        raise
    if raw.FPDF_GetSecurityHandlerRevision(document.raw) >= 0:
        raise Refusal("encrypted")
    if raw.FPDFDoc_GetJavaScriptActionCount(document.raw) > 0:
        raise Refusal("active_content")
    return document


def _check_actions(data: bytes) -> None:
    """Refuse scripts and programs to launch, also inside compressed object streams.

    Nothing here would run them; a certificate has no use for them, and other readers might.
    """
    for part in (data, *_object_streams(data)):
        if _ACTION.search(_ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), part)):
            raise Refusal("active_content")


def _object_streams(data: bytes) -> Iterator[bytes]:
    budget = MAX_INFLATED_BYTES
    for match in _STREAM.finditer(data):
        before = data[max(0, match.start() - _DICTIONARY_BYTES) : match.start()]
        if b"/ObjStm" not in before.rpartition(b" obj")[2]:
            continue
        try:
            inflated = zlib.decompressobj().decompress(data[match.end() :], budget)
        except zlib.error:
            continue
        budget -= len(inflated)
        if budget <= 0:
            raise Refusal("limit_exceeded")
        yield inflated


def _attachments(document: pypdfium2.PdfDocument) -> Iterator[tuple[str, bytes]]:
    count = document.count_attachments()
    if count > MAX_ATTACHMENTS:
        raise Refusal("limit_exceeded")
    for index in range(count):
        attachment = document.get_attachment(index)
        name = attachment.get_name()
        if not name.endswith((TOKEN_NAME, RECEIPT_NAME)):
            continue
        content = bytes(attachment.get_data())
        if len(content) > MAX_DOCUMENT_BYTES:
            raise Refusal("limit_exceeded")
        yield name, content


def _search(
    document: pypdfium2.PdfDocument, passes: Sequence[tuple[int, bool]]
) -> tuple[list[str], bool]:
    """Return the codes on the pages, and whether every page was searched."""
    pages = _pages_to_search(len(document))
    codes: dict[str, None] = {}
    for dots, patient in passes:
        for page in pages:
            if time.process_time() > SEARCH_CPU_SECONDS:
                return list(codes), False
            picture = _render(document[page], dots)
            codes |= dict.fromkeys(find_codes(picture, patient=patient))
            if has_both(codes):
                return list(codes), True
        if has_offline(codes):
            break
    return list(codes), len(pages) == len(document)


def _pages_to_search(pages: int) -> list[int]:
    if pages <= MAX_SEARCHED_PAGES:
        return list(range(pages))
    half = MAX_SEARCHED_PAGES // 2
    return [*range(half), *range(pages - half, pages)]


def _render(page: pypdfium2.PdfPage, dots: int) -> Image.Image:
    width, height = page.get_size()
    inches = max(width, _LEAST_POINTS) * max(height, _LEAST_POINTS) / _POINTS_PER_INCH**2
    dots_fitting = (MAX_PAGE_PIXELS / inches) ** 0.5
    scale = min(dots, dots_fitting) / _POINTS_PER_INCH
    picture: Image.Image = page.render(scale=scale, grayscale=True, may_draw_forms=False).to_pil()
    return picture


def _rehearse() -> None:
    """Do everything once, so that whatever is loaded on first use is loaded before confinement."""
    document = pypdfium2.PdfDocument.new()
    document.new_page(_POINTS_PER_INCH, _POINTS_PER_INCH)
    document.new_attachment(f"x{TOKEN_NAME}").set_data(b"x")
    written = io.BytesIO()
    document.save(written)
    json.dumps(extract(written.getvalue()))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _answer(answer: Json) -> NoReturn:
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # nothing is left to tidy up after a stranger's file


if __name__ == "__main__":
    main()
