"""A certificate or record as PDF/A-3, with both codes and the evidence attached.

The page shows a view: what was withheld is said, never guessed. Text from documents reaches the
template as data and is never evaluated. The PDF proves nothing by itself; its attachments do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

import typst

from registry.certificates.rendering.codes import code_svg
from registry.certificates.rendering.labels import draft_names, labels_json, page_languages
from registry.certificates.rendering.letterhead import NO_LETTERHEAD, Letterhead, wrapped_png

FONT_FAMILIES: Final = ("noto-sans", "noto-sans-sc", "noto-sans-lao", "noto-sans-thai")
_WEIGHTS: Final = ("400Regular", "700Bold")


class FontsMissingError(Exception):
    """The fonts for the pages are not installed where they are expected."""

    code = "fonts_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything that one printed view consists of.

    Attributes:
        document: The view in the shape of the import format; withheld members are absent.
        issuer_name: Registered name of the body by language.
        identifiers: Registered accreditation numbers, e.g. {"cnas": "CNAS L0000"}.
        withheld: Paths that the release statement names, e.g. "customer.name".
        destination: Country of the view, None for the complete certificate.
        link_code: Text of the link code.
        offline_code: Text of the offline code.
        sdjwt: The `.sdjwt` file to attach.
        receipt: The `.receipt.json` file to attach.
        signed_at: Moment of signing, aware; becomes the PDF's date.
        leaf: The certificate's leaf in base64url, printed for people who compare by eye.
        letterhead: What the body prints above the title.
    """

    document: Mapping[str, object]
    issuer_name: Mapping[str, str]
    identifiers: Mapping[str, str]
    withheld: Sequence[str]
    destination: str | None
    link_code: str
    offline_code: str
    sdjwt: bytes
    receipt: bytes
    signed_at: datetime
    leaf: str
    letterhead: Letterhead = NO_LETTERHEAD


def font_directories(node_modules: Path) -> tuple[Path, ...]:
    """Return the font folders below `node_modules`.

    Raises:
        FontsMissingError: One of them is not there; says which and what to do.
    """
    base = node_modules / "@expo-google-fonts"
    folders = tuple(base / family / weight for family in FONT_FAMILIES for weight in _WEIGHTS)
    for folder in folders:
        if not folder.is_dir():
            raise FontsMissingError(f"fonts are missing in {folder}; run 'make install'")
    return folders


def render_pdf(sheet: Sheet, *, fonts: Sequence[Path]) -> bytes:
    """Return the PDF/A-3a of one view.

    Args:
        sheet: What to print and to attach.
        fonts: Folders from `font_directories`; fonts of the machine are not used, so that pages
            look the same everywhere.
    """
    languages = page_languages(sheet.document)
    files: dict[str, str | bytes] = {
        "main.typ": _packaged("paper.typ"),
        "sheet.json": _sheet_json(sheet, languages),
        "labels.json": labels_json(languages),
        "link.svg": code_svg(sheet.link_code),
        "offline.svg": code_svg(sheet.offline_code),
        "certificate.sdjwt": sheet.sdjwt,
        "certificate.receipt.json": sheet.receipt,
        **_pictures(sheet),
    }
    pdf = _compiler(tuple(map(str, fonts))).compile(
        input=files,  # type: ignore[type-var]  # the stubs lag: a mapping of files is accepted
        format="pdf",
        pdf_standards=["a-3a"],
        timestamp=int(sheet.signed_at.timestamp()),
    )
    if not isinstance(pdf, bytes):
        raise TypeError(f"the typesetter returned {type(pdf).__name__} for a PDF")
    return pdf


def _sheet_json(sheet: Sheet, languages: tuple[str, ...]) -> bytes:
    content = {
        "document": sheet.document,
        "issuer_name": dict(sheet.issuer_name),
        "identifiers": dict(sheet.identifiers),
        "withheld": list(sheet.withheld),
        "destination": sheet.destination,
        "leaf": sheet.leaf,
        "languages": languages,
        "drafts": draft_names(languages),
        "letterhead": {
            "logo": sheet.letterhead.logo is not None,
            "lines": list(sheet.letterhead.lines),
            "marks": _marks(sheet),
        },
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _marks(sheet: Sheet) -> list[str]:
    """Return the marks that the document states and that there are pictures of."""
    stated = sheet.document.get("marks")
    marks = stated if isinstance(stated, list) else []
    return [str(mark) for mark in marks if mark in sheet.letterhead.marks]


def _pictures(sheet: Sheet) -> dict[str, bytes]:
    pictures = {f"mark-{mark}.svg": sheet.letterhead.marks[mark] for mark in _marks(sheet)}
    if sheet.letterhead.logo is not None:
        pictures["logo.svg"] = sheet.letterhead.logo
    return {name: wrapped_png(picture) for name, picture in pictures.items()}


@cache
def _packaged(name: str) -> bytes:
    return resources.files("registry.certificates.rendering").joinpath(name).read_bytes()


@lru_cache(maxsize=2)
def _compiler(fonts: tuple[str, ...]) -> typst.Compiler:
    # Reused: reading the Chinese fonts takes a second, a page with them in memory 50 ms.
    return typst.Compiler(font_paths=list(fonts), ignore_system_fonts=True)
