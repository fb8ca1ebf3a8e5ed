"""`POST /v1/verifications`. A verdict is a success, whatever it says."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from registry.kit.clock import system_clock
from registry.verifications.schemas import REQUEST_SCHEMA, parse_request
from registry.verifications.service import Verifications
from verifier.core.strict_json import canonical_json

router: Final = APIRouter(prefix="/v1/verifications", tags=["verification"])

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": REQUEST_SCHEMA}},
    }
}


def get_verifications(request: Request) -> Verifications:
    """Provide the verifier of this installation; tests override it."""
    return cast("Verifications", request.app.state.verifications)


VerificationsDep = Annotated[Verifications, Depends(get_verifications)]


@router.post(
    "",
    summary="Verify a certificate, a receipt or the text of a code",
    openapi_extra=_BODY,
    response_class=Response,
    responses={
        200: {
            "description": "The report, whatever its verdict.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        400: {"description": "The request is malformed."},
        413: {"description": "The request is too large."},
    },
)
async def create_verification(request: Request, verifications: VerificationsDep) -> Response:
    """Return the report in the shape of docs/schemas/report.schema.json."""
    asked = parse_request(await request.body(), now=int(system_clock().timestamp()))
    report = await run_in_threadpool(verifications.answer, asked)
    return Response(canonical_json(report.as_json()), media_type="application/json")
