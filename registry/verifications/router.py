"""`POST /v1/verifications`. A verdict is a success, whatever it says."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final, cast

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from registry.kit.body_limit import media_type
from registry.kit.clock import system_clock
from registry.verifications.schemas import (
    FILE_TYPES,
    REQUEST_SCHEMA,
    parse_request,
    read_request,
)
from registry.verifications.service import Verifications
from verifier.core.strict_json import canonical_json

router: Final = APIRouter(prefix="/v1/verifications", tags=["verification"])

_JSON: Final = "application/json"
READERS: Final = CapacityLimiter(4)  # pictures and PDFs take memory and time
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {"schema": REQUEST_SCHEMA},
            **{name: {"schema": {"type": "string", "format": "binary"}} for name in FILE_TYPES},
        },
    },
    "parameters": [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": "With a file; as the member of this name.",
            "schema": {"type": "string"},
        }
        for name in ("country", "at", "goods_match")
    ],
}


def get_verifications(request: Request) -> Verifications:
    """Provide the verifier of this installation; tests override it."""
    return cast("Verifications", request.app.state.verifications)


VerificationsDep = Annotated[Verifications, Depends(get_verifications)]


@router.post(
    "",
    summary="Verify a certificate, a receipt, a code, or a file that holds them",
    openapi_extra=_BODY,
    response_class=Response,
    responses={
        200: {
            "description": "The report, whatever its verdict.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        400: {"description": "The request is malformed."},
        413: {"description": "The request is too large."},
        415: {"description": "The media type is neither JSON nor one of the files."},
    },
)
async def create_verification(request: Request, verifications: VerificationsDep) -> Response:
    """Return the report in the shape of docs/schemas/report.schema.json."""
    now = int(system_clock().timestamp())
    kind = media_type(request.headers.get("content-type", _JSON))
    if kind == _JSON:
        asked = parse_request(await request.body(), now=now)
    elif kind in FILE_TYPES:
        read = partial(read_request, await request.body(), dict(request.query_params), now=now)
        asked = await to_thread.run_sync(read, limiter=READERS)
    else:
        raise HTTPException(status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    report = await run_in_threadpool(verifications.answer, asked)
    return Response(canonical_json(report.as_json()), media_type="application/json")
