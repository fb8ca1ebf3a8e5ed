"""`/v1/standards` and `/v1/conformity/evaluations`, open to everybody."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Annotated, Any, Final, cast

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from registry.kit.database import Database
from registry.standards.evaluating import Evaluations
from registry.standards.schemas import (
    EVALUATION_SCHEMA,
    PageOut,
    RequirementsOut,
    SearchParams,
    StandardOut,
)
from registry.standards.searching import count_facets, make_query, search
from registry.standards.service import show

router: Final = APIRouter(prefix="/v1", tags=["standards"])

_NOT_MODIFIED: Final = {"description": "The answer is the one that the caller has."}
_NOT_FOUND: Final = {"description": "The catalogue holds no such standard; near codes are named."}


def get_database(request: Request) -> Database:
    """Provide the database of the installation."""
    return cast("Database", request.app.state.database)


def get_evaluations(request: Request) -> Evaluations:
    """Provide the evaluations of the installation, made at the first request for one."""
    state = request.app.state
    if not hasattr(state, "evaluations"):
        state.evaluations = Evaluations(state.database)
    return cast("Evaluations", state.evaluations)


DatabaseDep = Annotated[Database, Depends(get_database)]
EvaluationsDep = Annotated[Evaluations, Depends(get_evaluations)]


@router.get(
    "/standards",
    summary="Search the catalogue of standards",
    response_model=PageOut,
    responses={
        304: _NOT_MODIFIED,
        400: {"description": "A filter or the cursor cannot be used."},
        503: {"description": "The search was given up because it took too long."},
    },
)
def search_standards(
    request: Request, database: DatabaseDep, asked: Annotated[SearchParams, Query()]
) -> Response:
    """Return a page of editions: those whose code begins as asked, then those with the words.

    Among them those that stand come before drafts and those that have ended, short titles before
    long ones, new editions before old ones.
    """
    query = make_query(asked.q, asked.filters())
    with database.read() as session:
        page = search(session, query, cursor=asked.cursor or None, limit=asked.limit)
        counted = count_facets(session, query) if asked.facets else None
    return answer(request, PageOut.from_domain(page, counted))


@router.get(
    "/standards/{id:path}/requirements",
    summary="What a standard demands",
    response_model=RequirementsOut,
    responses={304: _NOT_MODIFIED, 404: _NOT_FOUND},
)
def read_requirements(id: str, request: Request, database: DatabaseDep) -> Response:  # noqa: A002
    """Return the recorded requirements of a standard, each with its source."""
    with database.read() as session:
        return answer(request, RequirementsOut.from_domain(show(session, id)))


@router.get(
    "/standards/{id:path}",
    summary="One standard with its editions and relations",
    response_model=StandardOut,
    responses={304: _NOT_MODIFIED, 404: _NOT_FOUND},
)
def read_standard(id: str, request: Request, database: DatabaseDep) -> Response:  # noqa: A002
    """Return a standard by its code in any spelling; undated: the newest edition that stands."""
    with database.read() as session:
        return answer(request, StandardOut.from_domain(show(session, id)))


@router.post(
    "/conformity/evaluations",
    summary="Hold results against requirements",
    tags=["conformity"],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": EVALUATION_SCHEMA}},
        }
    },
    response_class=Response,
    responses={
        200: {
            "description": "One answer per case, in their order, whatever it says.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["answers"],
                        "properties": {"answers": {"type": "array", "items": {"type": "object"}}},
                    }
                }
            },
        },
        400: {"description": "The request is malformed, or asks for too much at once."},
        413: {"description": "The request is too large."},
    },
)
async def create_evaluations(request: Request, evaluations: EvaluationsDep) -> Response:
    """Evaluate cases as `lancang conformity evaluate` does; nothing is kept.

    Each answer has the shape of docs/schemas/conformity-answer.schema.json. A case that cannot be
    read has the outcome "error"; the others are evaluated all the same.
    """
    answers = await run_in_threadpool(evaluations.answers, await request.body())
    return Response(orjson.dumps({"answers": answers}, default=str), media_type="application/json")


def answer(request: Request, model: BaseModel) -> Response:
    """Return an answer with its entity tag, or 304 where the caller has it."""
    content: bytes = orjson.dumps(model.model_dump(mode="json"))
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers: dict[str, Any] = {
        "ETag": tag,
        "Cache-Control": "no-cache",
        "Access-Control-Allow-Origin": "*",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, media_type="application/json", headers=headers)
