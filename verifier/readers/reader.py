"""One entrance for whatever a person hands over."""

from __future__ import annotations

from typing import Final

from verifier.readers.material import Material
from verifier.readers.pdf import MAGIC_WITHIN, PDF_MAGIC, read_pdf
from verifier.readers.picture import JPEG_MAGIC, PNG_MAGIC, read_picture
from verifier.readers.text import read_text

_LONGEST_NAME: Final = 80  # characters of a file's name in messages


def read(data: bytes, *, name: str) -> Material:
    """Return the evidence in an input, whose kind is told by its content and not by its name.

    Args:
        data: Content of a file or of standard input.
        name: What to call it in messages.

    Returns:
        What was found; an empty `Material` when nothing in the input is of our format.

    Raises:
        LimitExceededError: The input is larger than its kind may be.
        MalformedEvidenceError: A picture or PDF cannot be read or shows several documents, see
            `read_picture` and `read_pdf`.
        EvidenceUnavailableError: This system cannot confine the PDF reader.
    """
    what = name if len(name) <= _LONGEST_NAME else f"…{name[-_LONGEST_NAME:]}"
    if data.startswith((PNG_MAGIC, JPEG_MAGIC)):
        return read_picture(data, what=what)
    if PDF_MAGIC in data[:MAGIC_WITHIN] and not data.lstrip().startswith(b"{"):
        return read_pdf(data, what=what)
    return read_text(data, what=what)
