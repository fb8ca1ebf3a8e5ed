"""`GET /v1/status-lists/{body}/{n}`: which certificates of a body are revoked or suspended."""

from __future__ import annotations

from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from registry.status_lists.service import REFRESH, StatusLists
from verifier.core.ids import MAX_STATUS_NUMBER
from verifier.core.status_list import TYP, StatusPurpose

router: Final = APIRouter(prefix="/v1/status-lists", tags=["status lists"])

MEDIA_TYPE: Final = f"application/{TYP}"
_MAX_AGE: Final = int(REFRESH.total_seconds())


def get_status_lists(request: Request) -> StatusLists:
    """Provide the published lists of the installation."""
    return cast("StatusLists", request.app.state.status_lists)


StatusListsDep = Annotated[StatusLists, Depends(get_status_lists)]


@router.get(
    "/{body}/{list_number}",
    summary="A status list as a signed Bitstring Status List credential",
    response_class=Response,
    responses={
        200: {
            "description": "The credential as a compact JWS.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        304: {"description": "The list is the one that the caller has."},
        404: {"description": "No certificate of this registry has its status in this list."},
        503: {"description": "Chain or signer do not answer and no valid list is kept."},
    },
)
def read_status_list(
    body: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Body id, hexadecimal.")],
    list_number: Annotated[
        int, Path(ge=0, le=MAX_STATUS_NUMBER, description="Number of the list.")
    ],
    request: Request,
    lists: StatusListsDep,
    purpose: Annotated[
        StatusPurpose, Query(description="What a set bit says.")
    ] = StatusPurpose.REVOCATION,
) -> Response:
    """Return the whole list: who downloads it does not tell which certificate he asks about.

    Every page may read it, whatever its origin: it holds nothing that is not public.
    """
    found = lists.find(bytes.fromhex(body), list_number, purpose)
    headers = {
        "ETag": f'"{found.tag}"',
        "Cache-Control": f"public, max-age={_MAX_AGE}",
        "Access-Control-Allow-Origin": "*",
    }
    if found.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.token, media_type=MEDIA_TYPE, headers=headers)
