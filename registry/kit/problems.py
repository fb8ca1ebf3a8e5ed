"""Errors as problem details (RFC 9457). The only module that knows HTTP status codes of errors."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from registry.kit.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PreconditionFailedError,
    PreconditionMissingError,
    RegistryError,
    ReplayMismatchError,
    RuleViolationError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from registry.kit.import_problems import ImportRefusedError
from registry.kit.languages import negotiate
from registry.kit.problem_words import in_language
from verifier.core.errors import (
    EvidenceUnavailableError,
    LimitExceededError,
    MalformedEvidenceError,
    VerifierError,
)

TYPE_PREFIX: Final = "https://lancang.example/problems/"  # followed by a code of error-codes.md
MEDIA_TYPE: Final = "application/problem+json"

_MOST_PROBLEMS: Final = 1000
_log: Final = logging.getLogger("lancang.http")
_STATUS: Final[dict[type[Exception], HTTPStatus]] = {
    InvalidInputError: HTTPStatus.BAD_REQUEST,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    RuleViolationError: HTTPStatus.FORBIDDEN,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
    PreconditionMissingError: HTTPStatus.PRECONDITION_REQUIRED,
    ReplayMismatchError: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    LimitExceededError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    MalformedEvidenceError: HTTPStatus.BAD_REQUEST,
    EvidenceUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(error: RegistryError | VerifierError) -> HTTPStatus:
    """Return the HTTP status of the nearest mapped base class, 500 when there is none."""
    kinds = type(error).__mro__
    return next((_STATUS[k] for k in kinds if k in _STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_response(
    code: str,
    status: HTTPStatus,
    detail: str | None = None,
    *,
    more: Mapping[str, object] | None = None,
) -> Response:
    """Return a problem.

    Args:
        code: Stable code; the last part of the problem's `type`.
        status: HTTP status.
        detail: What happened this time, for people; nothing secret.
        more: Further members.
    """
    body: dict[str, object] = {
        "type": f"{TYPE_PREFIX}{code}",
        "title": code.replace("_", " "),
        "status": int(status),
        "code": code,
    }
    if detail is not None:
        body["detail"] = detail
    body |= more or {}
    return Response(orjson.dumps(body), status_code=int(status), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error that leaves a route a problem."""
    app.add_exception_handler(RegistryError, _on_known_error)
    app.add_exception_handler(VerifierError, _on_known_error)
    app.add_exception_handler(RequestValidationError, _on_malformed_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_defect)


async def _on_known_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RegistryError | VerifierError):
        raise error
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        # An error without a status of its own says something about us, not about the request.
        _log.error("unexpected %s", error.code, exc_info=error)
        return problem_response(error.code, status)
    if isinstance(error, ImportRefusedError):
        return _refused_import(error, status, negotiate(request.headers.get("accept-language", "")))
    response = problem_response(error.code, status, str(error))
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _refused_import(error: ImportRefusedError, status: HTTPStatus, language: str) -> Response:
    """Return every problem of imported files, as many as an answer holds, in a language."""
    shown = [in_language(problem, language) for problem in error.problems[:_MOST_PROBLEMS]]
    more = {
        "problems": [
            {
                "file": problem.source,
                "number": problem.number,
                "pointer": problem.pointer,
                "sheet": problem.sheet,
                "row": problem.row,
                "column": problem.column,
                "code": problem.code,
                "message": problem.message,
            }
            for problem in shown
        ],
        "more": len(error.problems) - len(shown),
    }
    response = problem_response(error.code, status, str(ImportRefusedError(shown)), more=more)
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"
    return response


async def _on_malformed_request(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    places = ", ".join(
        ".".join(str(part) for part in each["loc"]) + f" ({each['type']})"
        for each in error.errors()
    )
    return problem_response("malformed_request", HTTPStatus.UNPROCESSABLE_ENTITY, places)


async def _on_http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    response = problem_response(status.name.lower(), status)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _on_defect(_request: Request, error: Exception) -> Response:
    _log.error("defect", exc_info=error)
    return problem_response("internal_error", HTTPStatus.INTERNAL_SERVER_ERROR)
