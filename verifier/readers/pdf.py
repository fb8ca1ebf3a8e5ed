"""PDFs, parsed in a confined process of their own; see `verifier.readers.confinement`."""

from __future__ import annotations

import base64
import binascii
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Final

from verifier.core.errors import (
    EvidenceUnavailableError,
    LimitExceededError,
    MalformedEvidenceError,
)
from verifier.core.limits import MAX_DOCUMENT_BYTES, MAX_PDF_BYTES
from verifier.core.strict_json import JsonObject, JsonValue, parse_json_object
from verifier.readers.material import PDF_PAGES_NOT_SEARCHED, PDF_READER_UNCONFINED, Material
from verifier.readers.qr import in_order, is_ours

PDF_MAGIC: Final = b"%PDF-"
MAGIC_WITHIN: Final = 1024  # bytes; readers accept that much in front of it
WALL_SECONDS: Final = 30.0  # for five of processor time, on a machine that does other things too
MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024  # tokens and receipts of the largest size, in base64
_MAX_CODES: Final = 16
_WORKER: Final = "verifier.readers.pdf_worker"
_CHUNK: Final = 65536
_TOO_SLOW: Final = (-signal.SIGXCPU, -signal.SIGKILL)
_DAMAGED: Final = "pdf"
_PROBLEMS: Final = {
    _DAMAGED: "is damaged and cannot be read",
    "pdf_too_slow": "takes too long to read",
    "encrypted": "is encrypted; ask for it without protection",
    "active_content": "contains a script or starts a program; a certificate does neither",
    "limit_exceeded": "has too many pages, attachments or compressed parts",
}


def read_pdf(data: bytes, *, what: str) -> Material:
    """Return the attached token and receipt of a PDF and the codes on its pages.

    Raises:
        LimitExceededError: Too many bytes.
        MalformedEvidenceError: It is damaged (`pdf`), takes too long (`pdf_too_slow`), is encrypted
            (`encrypted`), has active content (`active_content`), too much of something
            (`limit_exceeded`), or several documents in it (`several_documents`, `several_codes`).
        EvidenceUnavailableError: This system cannot confine the parser (`pdf_reader_unavailable`).
    """
    if len(data) > MAX_PDF_BYTES:
        raise LimitExceededError(what, actual=len(data), limit=MAX_PDF_BYTES)
    answer = _parse(_ask_worker(data, what), what)
    problem = answer.get("problem")
    if problem is None:
        return _material(answer, what)
    if problem == "unconfined":
        message = f"{what}: no PDF is read here, since this system cannot confine the reader"
        raise EvidenceUnavailableError("pdf_reader_unavailable", message)
    raise _problem(what, problem if isinstance(problem, str) else _DAMAGED)


def _ask_worker(data: bytes, what: str) -> bytes:
    """Return what the worker answers to a PDF.

    Raises:
        MalformedEvidenceError: It dies, takes too long, or says too much.
    """
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        with subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-m", _WORKER],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        ) as worker:
            try:
                answer = _read_bounded(worker.stdout, what)
                worker.wait(WALL_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise _problem(what, "pdf_too_slow") from error
            finally:
                worker.kill()
    if not answer:
        raise _problem(what, "pdf_too_slow" if worker.returncode in _TOO_SLOW else _DAMAGED)
    return answer


def _read_bounded(pipe: IO[bytes] | None, what: str) -> bytes:
    """Return all that comes until the pipe is closed.

    Raises:
        MalformedEvidenceError: That takes too long, or it is too much.
    """
    answer = bytearray()
    deadline = time.monotonic() + WALL_SECONDS
    while pipe is not None:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            raise _problem(what, "pdf_too_slow")
        chunk = os.read(pipe.fileno(), _CHUNK)
        if not chunk:
            break
        answer += chunk
        if len(answer) > MAX_ANSWER_BYTES:
            raise _problem(what, "limit_exceeded")
    return bytes(answer)


def _environment() -> dict[str, str]:
    """Return what the worker needs to find the same modules, and nothing of our surroundings."""
    return {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


def _parse(answer: bytes, what: str) -> JsonObject:
    try:
        return parse_json_object(answer, what=what, max_bytes=MAX_ANSWER_BYTES)
    except MalformedEvidenceError as error:
        raise _problem(what, _DAMAGED) from error


def _material(answer: JsonObject, what: str) -> Material:
    """Return what the worker found. A document may have taken the worker over: check everything."""
    tokens = _attachments(answer.get("tokens"), what)
    receipts = _attachments(answer.get("receipts"), what)
    if len(tokens) > 1 or len(receipts) > 1:
        message = "contains several documents; ask for one file for each"
        raise MalformedEvidenceError(what, message, reason="several_documents")
    warnings = []
    if answer.get("all_searched") is not True:
        warnings.append(PDF_PAGES_NOT_SEARCHED)
    if answer.get("filtered") is not True:
        warnings.append(PDF_READER_UNCONFINED)
    return Material(
        token=_token(tokens[0], what) if tokens else None,
        receipt=receipts[0] if receipts else None,
        codes=in_order(_codes(answer.get("codes"), what), what=what),
        warnings=tuple(warnings),
    )


def _attachments(value: JsonValue, what: str) -> list[bytes]:
    if not isinstance(value, list):
        raise _problem(what, _DAMAGED)
    decoded = []
    for text in value:
        try:
            data = base64.b64decode(text if isinstance(text, str) else "?", validate=True)
        except binascii.Error as error:
            raise _problem(what, _DAMAGED) from error
        if len(data) > MAX_DOCUMENT_BYTES:
            raise _problem(what, "limit_exceeded")
        decoded.append(data)
    return decoded


def _token(data: bytes, what: str) -> str:
    try:
        return data.strip(b" \t\r\n").decode("ascii")
    except UnicodeDecodeError as error:
        message = "has an attached certificate that is no token"
        raise MalformedEvidenceError(what, message, reason="token") from error


def _codes(value: JsonValue, what: str) -> list[str]:
    if not isinstance(value, list) or len(value) > _MAX_CODES:
        raise _problem(what, _DAMAGED)
    codes = [text for text in value if isinstance(text, str) and is_ours(text)]
    if len(codes) != len(value):
        raise _problem(what, _DAMAGED)
    return codes


def _problem(what: str, reason: str) -> MalformedEvidenceError:
    known = reason if reason in _PROBLEMS else _DAMAGED
    return MalformedEvidenceError(what, _PROBLEMS[known], reason=known)
