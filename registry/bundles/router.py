"""Public routes of trust bundles: the newest one, deltas, and what they are made from by hash."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import FileResponse

from registry.bundles.errors import DocumentNotKeptError, HeadsNotKeptError
from registry.bundles.service import BundleShelf, StoredLibrary
from verifier.core.encoding import unb64u
from verifier.core.hashing import DIGEST_BYTES

router: Final = APIRouter(prefix="/v1", tags=["trust bundle"])

_CBOR: Final = "application/cbor"
_OCTETS: Final = "application/octet-stream"
_HASH: Final = r"^[A-Za-z0-9_-]{43}$"
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*"}


def get_shelf(request: Request) -> BundleShelf:
    """Provide the published bundles."""
    return cast("BundleShelf", request.app.state.bundles)


def get_library(request: Request) -> StoredLibrary:
    """Provide what the registry keeps by hash."""
    state = request.app.state
    return StoredLibrary(state.database, state.trees)


ShelfDep = Annotated[BundleShelf, Depends(get_shelf)]
LibraryDep = Annotated[StoredLibrary, Depends(get_library)]
HashPath = Annotated[str, Path(pattern=_HASH, description="32 bytes, base64url.")]


def _answers(media_type: str, what: str, missing: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "object"} if media_type == "application/json" else {"type": "string"}
    if schema["type"] == "string":
        schema["format"] = "binary"
    return {
        200: {"description": what, "content": {media_type: {"schema": schema}}},
        404: {"description": missing},
    }


@router.get(
    "/bundle",
    summary="The newest trust bundle, for verification without a network",
    response_class=Response,
    responses={
        **_answers(_CBOR, "Bundle file, deterministic CBOR.", "None has been published."),
        304: {"description": "The bundle is the one that the caller has."},
    },
)
def read_bundle(request: Request, shelf: ShelfDep) -> Response:
    """Return the bundle file."""
    path = shelf.newest_path()
    state = path.stat()
    tag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'  # it is only ever replaced as a whole
    headers = {"ETag": tag, "Cache-Control": "no-cache", **_ANY_ORIGIN}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=_CBOR, headers=headers, stat_result=state)


@router.get(
    "/bundle/deltas/{base}",
    summary="The delta that begins at a trust bundle",
    response_class=Response,
    responses=_answers(_CBOR, "Delta, deterministic CBOR.", "No delta begins there."),
)
def read_delta(base: HashPath, shelf: ShelfDep) -> Response:
    """Return the delta to the next bundle; ask again with its result until there is none."""
    digest = unb64u(base, what="base", length=DIGEST_BYTES)
    return Response(shelf.delta(digest), media_type=_CBOR, headers=_ANY_ORIGIN)


@router.get(
    "/documents/{sha256}",
    summary="A published document by its hash",
    response_class=Response,
    responses=_answers("application/json", "Exact bytes.", "There is none with this hash."),
)
def read_document(sha256: HashPath, library: LibraryDep) -> Response:
    """Return a scope document; its SHA-256 is on chain."""
    content = library.fetch_document(unb64u(sha256, what="sha256", length=DIGEST_BYTES))
    if content is None:
        raise DocumentNotKeptError("there is no published document with this hash")
    return Response(content, media_type="application/json", headers=_FOR_EVER | _ANY_ORIGIN)


@router.get(
    "/heads/{root}",
    summary="Subtree heads of an anchored batch by its root",
    response_class=Response,
    responses=_answers(_OCTETS, "32 bytes for each subtree.", "There is no tree with this root."),
)
def read_heads(root: HashPath, library: LibraryDep) -> Response:
    """Return the heads of the aligned 1024-leaf subtrees; together they hash up to the root."""
    heads = library.fetch_heads(unb64u(root, what="root", length=DIGEST_BYTES))
    if heads is None:
        raise HeadsNotKeptError("there is no tree with this root")
    return Response(heads, media_type=_OCTETS, headers=_FOR_EVER | _ANY_ORIGIN)
