"""What a reader found in an input: raw evidence, not yet parsed and not yet believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PDF_PAGES_NOT_SEARCHED: Final = "pdf_pages_not_searched"  # codes may be on pages further in
PDF_READER_UNCONFINED: Final = "pdf_reader_unconfined"  # this system cannot cut the network off


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Evidence found in one input. All of it may be missing: then the input is not ours.

    Attributes:
        token: Compact SD-JWT.
        receipt: A receipt's JSON text as it was found.
        codes: Texts of our codes, an offline code before a link code; at most one of each.
        warnings: Stable names of what a person should know about the reading.
    """

    token: str | None = None
    receipt: bytes | None = None
    codes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
