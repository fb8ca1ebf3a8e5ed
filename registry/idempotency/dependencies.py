"""The idempotency key of a request, for routes that create something."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response

from registry.access.dependencies import GateDep, PrincipalDep
from registry.idempotency.models import MAX_KEY_CHARS
from registry.idempotency.service import Answer, Repeatable, digest_of

_PURPOSE: Final = "request"
_Key = Annotated[
    str | None,
    Header(
        min_length=8,
        max_length=MAX_KEY_CHARS,
        pattern=r"^[A-Za-z0-9._:-]+$",
        description="Chosen by the client; the same request with the same key is done once.",
    ),
]


async def get_repeatable(
    request: Request, principal: PrincipalDep, gate: GateDep, idempotency_key: _Key = None
) -> Repeatable:
    """Provide what makes a request known when it comes again.

    Its digest is made under the access key: a request may hold a password, and a stolen database
    must not let anybody try passwords faster than sign-in does.
    """
    body = await request.body()
    path = f"{request.url.path}?{request.url.query}"
    digest = gate.key.digest(_PURPOSE, digest_of(request.method, path, body).hex())
    return Repeatable(principal.id, idempotency_key, digest)


RepeatableDep = Annotated[Repeatable, Depends(get_repeatable)]


def response_of(answer: Answer) -> Response:
    """Return an answer as it is sent; a repeated one says so."""
    headers = {"Location": answer.location} if answer.location else {}
    if answer.repeated:
        headers["Idempotency-Replayed"] = "true"
    return Response(
        answer.content, status_code=answer.status, media_type="application/json", headers=headers
    )
