"""From what a person names on a command line to what can be verified."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from verifier.core.errors import (
    EvidenceUnavailableError,
    LimitExceededError,
    MalformedEvidenceError,
    VerifierError,
)
from verifier.core.limits import MAX_PDF_BYTES, MAX_PICTURE_BYTES
from verifier.core.receipt import parse_receipt
from verifier.readers import read
from verifier.service import Submission

STANDARD_INPUT: Final = "-"

_MOST_BYTES: Final = max(MAX_PDF_BYTES, MAX_PICTURE_BYTES)  # the readers have limits of their own
_CODE_PREFIXES: Final = ("https://", "http://")
_ADVICE: Final = {
    FileNotFoundError: "no such file; check the name",
    IsADirectoryError: "it is a folder; name the files in it",
    PermissionError: "you may not read it; ask its owner",
}


class UnreadableInputError(VerifierError):
    """An input could not be read at all, so that nothing can be said about it."""

    code = "unreadable_input"


def open_input(argument: str) -> tuple[Submission, tuple[str, ...]]:
    """Return what was found in one input, with the reader's warnings.

    Args:
        argument: Name of a file, the text of a code, or "-" for standard input.

    Raises:
        UnreadableInputError: It cannot be read; the message says why and what to do.
    """
    if argument.lower().startswith(_CODE_PREFIXES):
        data = argument.encode("utf-8", "surrogateescape")
    elif argument == STANDARD_INPUT:
        data = _standard_input()
    else:
        data = read_file(Path(argument))
    try:
        material = read(data, name=argument)
    except LimitExceededError as error:
        raise UnreadableInputError(f"it is too large ({error})") from error
    except (MalformedEvidenceError, EvidenceUnavailableError) as error:
        message = f"{error}; ask for a fresh copy or use another of its forms"
        raise UnreadableInputError(message) from error
    return Submission(
        token=material.token,
        receipts=() if material.receipt is None else (material.receipt,),
        codes=material.codes,
    ), material.warnings


def read_file(path: Path, *, most: int = _MOST_BYTES) -> bytes:
    """Return the bytes of a file.

    Args:
        path: The file.
        most: Largest accepted size, in bytes.

    Raises:
        UnreadableInputError: It cannot be read or is larger than it may be.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        advice = _ADVICE.get(type(error), error.strerror or str(error))
        raise UnreadableInputError(advice) from error
    except ValueError as error:  # a name with a null character
        raise UnreadableInputError("no file can have this name") from error
    return _bounded(data, most)


def read_receipt(path: Path) -> bytes:
    """Return a receipt that goes with every input.

    Raises:
        UnreadableInputError: It cannot be read or is no receipt.
    """
    data = read_file(path)
    try:
        parse_receipt(data)
    except MalformedEvidenceError as error:
        raise UnreadableInputError(f"it is no usable receipt ({error})") from error
    return data


def _standard_input() -> bytes:
    return _bounded(sys.stdin.buffer.read(_MOST_BYTES + 1), _MOST_BYTES)


def _bounded(data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise UnreadableInputError(f"it has more than {most // 2**20} MiB")
    return data
