"""`/v1/batches` and `/v1/reconciliations`: for operators and auditors of the installation."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Path, Query, Request

from registry.access.dependencies import INSTALLATION, Action, PrincipalDep, require
from registry.anchoring import overview
from registry.anchoring.schemas import (
    BatchDetail,
    BatchPage,
    BatchQuery,
    ReconciliationDetail,
    ReconciliationOut,
)
from registry.kit.database import Database

router: Final = APIRouter(prefix="/v1", tags=["operations"])

_Id = Annotated[int, Path(ge=1, le=2**63 - 1)]  # what a database can count
_NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "There is none."}}


def get_database(request: Request) -> Database:
    """Provide the database of the installation."""
    return cast("Database", request.app.state.database)


DatabaseDep = Annotated[Database, Depends(get_database)]


@router.get("/batches", summary="List batches and changes of status")
def list_batches(
    principal: PrincipalDep, database: DatabaseDep, query: Annotated[BatchQuery, Query()]
) -> BatchPage:
    """Return what is on its way to the chain and what has arrived, the newest first."""
    require(principal, Action.OPERATIONS_READ, INSTALLATION)
    with database.read() as session:
        return overview.batch_page(
            session, state=query.state, kind=query.kind, after=query.after, limit=query.limit
        )


@router.get("/batches/{identifier}", summary="Show a batch", responses=_NOT_FOUND)
def read_batch(identifier: _Id, principal: PrincipalDep, database: DatabaseDep) -> BatchDetail:
    """Return one ledger write with every transaction, transition and decision."""
    require(principal, Action.OPERATIONS_READ, INSTALLATION)
    with database.read() as session:
        return overview.batch_detail(session, identifier)


@router.get("/reconciliations", summary="List comparisons of database, store and chain")
def list_reconciliations(principal: PrincipalDep, database: DatabaseDep) -> list[ReconciliationOut]:
    """Return the twenty newest, the newest first."""
    require(principal, Action.OPERATIONS_READ, INSTALLATION)
    with database.read() as session:
        return [ReconciliationOut.of(row) for row in overview.reconciliations(session)]


@router.get("/reconciliations/{identifier}", summary="Show a comparison", responses=_NOT_FOUND)
def read_reconciliation(
    identifier: _Id, principal: PrincipalDep, database: DatabaseDep
) -> ReconciliationDetail:
    """Return one comparison with its whole report."""
    require(principal, Action.OPERATIONS_READ, INSTALLATION)
    with database.read() as session:
        row = overview.reconciliation(session, identifier)
        outline = ReconciliationOut.of(row)
        return ReconciliationDetail(**outline.model_dump(), report=json.loads(row.report))
