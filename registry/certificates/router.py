"""`GET /v1/receipts/{leaf}`: what anybody may know about something that was issued here."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Path, Request, Response

from registry.anchoring.trees import TreeShelf
from registry.certificates.receipts import public_receipt
from registry.kit.database import Database
from verifier.core.encoding import unb64u
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.receipt import build_receipt

router: Final = APIRouter(prefix="/v1/receipts", tags=["receipts"])

_LEAF: Final = r"^[A-Za-z0-9_-]{43}$"


def get_database(request: Request) -> Database:
    """Provide the database of the installation."""
    return cast("Database", request.app.state.database)


def get_trees(request: Request) -> TreeShelf:
    """Provide the stored trees."""
    return cast("TreeShelf", request.app.state.trees)


DatabaseDep = Annotated[Database, Depends(get_database)]
TreesDep = Annotated[TreeShelf, Depends(get_trees)]


@router.get(
    "/{leaf}",
    summary="Public receipt of a leaf, without disclosures",
    response_class=Response,
    responses={
        200: {
            "description": "Proof material, canonical JSON.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        304: {"description": "The receipt is the one that the caller has."},
        404: {"description": "Nothing that was issued here has this leaf."},
    },
)
def read_receipt(
    leaf: Annotated[str, Path(pattern=_LEAF, description="Leaf digest, base64url.")],
    request: Request,
    database: DatabaseDep,
    trees: TreesDep,
) -> Response:
    """Return the receipt in the shape of docs/schemas/receipt.schema.json.

    Every page may read it, whatever its origin: it holds nothing that is not public.
    """
    digest = unb64u(leaf, what="leaf", length=DIGEST_BYTES)
    with database.read() as session:
        content = build_receipt(public_receipt(session, digest, trees=trees))
    tag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)
